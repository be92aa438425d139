"""`drumbeat doctor`: check everything that can be wrong, and say how to repair it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import click

from drumbeat.cli.checks import Check, check, print_checks, verdict
from drumbeat.cli.client import Client, Refusal, disk_full, with_client
from drumbeat.cli.output import print_json, show, span
from drumbeat.core.clock import MAX_CLOCK_SKEW_SECONDS

RELAY_OVERDUE_SECONDS = 180.0  # a due entry that is overdue for longer was not checked: the relay runs every minute


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
    """Check from here and, when that is well, let the deployment check itself."""
    checks = _from_here(client)
    if all(each["ok"] for each in checks):
        checks += client.get("/v1/doctor")["items"]
        checks += [_account(account) for account in client.get("/v1/accounts")["items"]]
        checks.append(_relay(client.get("/v1/status")["relay"]))
    return checks


def _from_here(client: Client) -> list[Check]:
    """Check what can only be checked from here."""
    try:
        answer = client.ask("GET", "/healthz")
    except click.ClickException as error:
        return [check("deployment", False, error.message, "start it, or set DRUMBEAT_URL")]
    checks = [check("deployment", True, f"{client.url} answers, version {answer.body.get('version', '?')}")]
    if (full := disk_full(answer.headers)) is not None:
        checks.append(check("disk", False, full, "free some room there"))
    if date := answer.headers.get("date"):
        skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
        fix = "set this machine's clock by NTP; signed requests made here would be refused"
        checks.append(
            check("this machine's clock", skew <= MAX_CLOCK_SKEW_SECONDS, f"{skew:.0f} s from the deployment's", fix)
        )
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
    name, state = account["account"], account["state"]
    detail = state + (f", {account['reason']}" if account["reason"] else "")
    fixes = {
        "running": None,
        "failing": "it is tried again by itself; one answered call clears this",
        "probing": "one effect is tried now; its answer decides",
        "paused": f"it is tried again by itself; after a repair, `drumbeat accounts resume {name}` saves the wait",
        "unreadable": "bring Redis back; meanwhile each worker sends its share",
    }
    return check(f"account {name}", state in ("running", "failing"), detail, fixes[state])


def _relay(pulse: dict[str, Any]) -> Check:
    """Check whether the relay runs."""
    if pulse["overdue"] > RELAY_OVERDUE_SECONDS:
        detail = f"an entry that it should have checked has been overdue for {span(pulse['overdue'])}"
    elif pulse["nextFull"] is None:
        detail = "has not run yet; its first run checks everything"
    else:
        detail = "runs in time"
    fix = "read the relay's log; on AWS check its schedule too (EventBridge Scheduler, group drumbeat-<stage>)"
    return check("relay", pulse["overdue"] <= RELAY_OVERDUE_SECONDS, detail, fix)
