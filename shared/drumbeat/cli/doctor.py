"""`drumbeat doctor`: check everything that can be wrong, and say how to repair it."""

import json
from collections.abc import Iterator
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
@click.option("--mail", "to", metavar="ADDRESS", help="Also send one mail there, and check it and its sending domain.")
@click.option("--account", help="With --mail: the account to send by; needed where several send mail.")
@click.option("--list", "mailing_list", help="With --mail: as a mail of this list, to a person who agreed to it.")
@click.option("--template", help="With --mail: this template instead of a few words.")
@click.option("--payload", help="With --template: the payload that it sees, a JSON object.")
@click.option("--selector", "selectors", multiple=True, help="With --mail: a DKIM selector of the domain.")
@click.option("--dns", "server", metavar="IP[:PORT]", help="With --mail: ask this name server, such as 1.1.1.1.")
@click.option(
    "--within", type=click.FloatRange(1), default=60.0, show_default=True, help="Seconds to wait for the mail."
)
@with_client
def command(
    client: Client,
    to: str | None,
    account: str | None,
    mailing_list: str | None,
    template: str | None,
    payload: str | None,
    selectors: tuple[str, ...],
    server: str | None,
    within: float,
) -> int:
    """Check connections, clocks, configuration and secrets; exit 1 when something is wrong.

    With --mail it also looks up SPF, DKIM and DMARC of the domains that mail is sent from, sends one mail, and checks
    what arrived in a local stack's inbox, or says what to look at in the mailbox.
    """
    if to is None:
        if account or mailing_list or template or payload or selectors or server:
            raise click.UsageError("--account, --list, --template, --payload, --selector and --dns need --mail ADDRESS")
        return _report(client, iter(diagnose(client)))
    if payload is not None and template is None:
        raise click.UsageError("--payload is for a --template")
    from drumbeat.cli.mail.checks import check_mailing
    from drumbeat.cli.mail.name_servers import NameServers
    from drumbeat.cli.mail.sending import Asked

    asked = Asked(to, account, mailing_list, template, _object(payload), within)
    name_servers = NameServers(server)
    return _report(client, check_mailing(client, diagnose(client), asked, name_servers.ask, selectors))


def _report(client: Client, found: Iterator[Check]) -> int:
    """Print checks as they come; return the exit code."""
    checks: list[Check] = []
    for each in found:
        checks.append(each)
        if not client.json:
            print_checks([each])
    ok = all(each["ok"] for each in checks)
    if client.json:
        print_json({"ok": ok, "checks": checks})
    else:
        show("", verdict(checks))
    return 0 if ok else 1


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--payload is not JSON: {error}. Nothing was sent.") from None
    if not isinstance(value, dict):
        raise click.UsageError("--payload is not a JSON object. Nothing was sent.")
    return value


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
