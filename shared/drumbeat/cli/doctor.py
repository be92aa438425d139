"""`drumbeat doctor`: check everything that can be wrong, and say what mends it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import click

from drumbeat.cli.checks import Check, check, print_checks, verdict
from drumbeat.cli.client import Client, Refusal, with_client
from drumbeat.cli.output import print_json, show, span

SKEW = 30.0  # seconds
SILENT = 180.0  # seconds that a mark may be overdue: the relay looks every minute


@click.command()
@with_client
def command(client: Client) -> int:
    """Check connections, clocks, configuration and secrets; exit 1 when something is wrong."""
    checks = diagnose(client)
    ok = all(each["ok"] for each in checks)
    if client.json:
        print_json({"ok": ok, "checks": checks})
    else:
        print_checks(checks)
        show("", verdict(checks))
    return 0 if ok else 1


def diagnose(client: Client) -> list[Check]:
    """Check what the caller's side can know and, when that is well, what the deployment knows about itself."""
    checks = _from_here(client)
    if all(each["ok"] for each in checks):
        checks += client.get("/v1/doctor")["items"]
        checks += [_account(account) for account in client.get("/v1/accounts")["items"]]
        checks.append(_relay(client.get("/v1/status")["relay"]))
    return checks


def _from_here(client: Client) -> list[Check]:
    """Check what only the caller's side can know."""
    try:
        answer = client.ask("GET", "/healthz")
    except click.ClickException as error:
        return [check("deployment", False, error.message, "start it, or set DRUMBEAT_URL")]
    checks = [check("deployment", True, f"{client.url} answers, version {answer.body.get('version', '?')}")]
    if date := answer.headers.get("date"):
        skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
        fix = "set this machine's clock by NTP; signed requests made here would be refused"
        checks.append(check("this machine's clock", skew <= SKEW, f"{skew:.0f} s from the deployment's", fix))
    if not client.key:
        checks.append(check("API key", False, "none was given", "set DRUMBEAT_KEY to a key with scope operate"))
    else:
        try:
            client.get("/v1/keys")
        except Refusal as error:
            fix = "set DRUMBEAT_KEY to a key with the scopes read and operate"
            if error.status >= 500:
                fix = "bring Postgres back; meanwhile events wait in the buffer queue (docs/operate.md)"
            checks.append(check("API key", False, error.message, fix))
        except click.ClickException as error:
            checks.append(check("API key", False, error.message, "set DRUMBEAT_KEY"))
        else:
            checks.append(check("API key", True, "accepted"))
    return checks


def _account(account: dict[str, Any]) -> Check:
    running = account["state"] == "running"
    detail = account["state"] + (f", {account['reason']}" if account["reason"] else "")
    fix = f"mend the cause, then `drumbeat accounts resume {account['account']}`"
    return check(f"account {account['account']}", running, detail, fix)


def _relay(pulse: dict[str, Any]) -> Check:
    """Tell whether somebody looks when it is time to."""
    if pulse["overdue"] > SILENT:
        detail = f"what it should have looked at has been overdue for {span(pulse['overdue'])}"
    elif pulse["nextFull"] is None:
        detail = "has not looked yet; its first look is at everything"
    else:
        detail = "looks when it is time to"
    fix = "read the relay's log; on AWS look at its schedule too (EventBridge Scheduler, group drumbeat-<stage>)"
    return check("relay", pulse["overdue"] <= SILENT, detail, fix)
