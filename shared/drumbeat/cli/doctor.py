"""`drumbeat doctor`: check everything that can be wrong, and say what mends it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import click

from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import plain, print_json, show

SKEW = 30.0  # seconds


@click.command()
@with_client
def command(client: Client) -> int:
    """Check connections, clocks, configuration and secrets; exit 1 when something is wrong."""
    checks = list(_from_here(client))
    if all(check["ok"] for check in checks):
        checks += client.get("/v1/doctor")["items"]
        checks += [_account(account) for account in client.get("/v1/accounts")["items"]]
    ok = all(check["ok"] for check in checks)
    if client.json:
        print_json({"ok": ok, "checks": checks})
    else:
        for check in checks:
            mark = "[green]ok  [/]" if check["ok"] else "[bold red]FAIL[/]"
            show(f"{mark} {plain(check['name'])}: {plain(check['detail'])}")
            if not check["ok"] and check["fix"]:
                show(f"     → {plain(check['fix'])}")
        show("", "[green]all is well[/]" if ok else f"[bold]{sum(not check['ok'] for check in checks)} to mend[/]")
    return 0 if ok else 1


def _from_here(client: Client) -> list[dict[str, Any]]:
    """Check what only the caller's side can know."""
    try:
        answer = client.ask("GET", "/healthz")
    except click.ClickException as error:
        return [_check("deployment", False, error.message, "start it, or set DRUMBEAT_URL")]
    checks = [_check("deployment", True, f"{client.url} answers, version {answer.body.get('version', '?')}")]
    if date := answer.headers.get("date"):
        skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
        fix = "set this machine's clock by NTP; signed requests made here would be refused"
        checks.append(_check("this machine's clock", skew <= SKEW, f"{skew:.0f} s from the deployment's", fix))
    if not client.key:
        checks.append(_check("API key", False, "none was given", "set DRUMBEAT_KEY to a key with scope operate"))
    else:
        try:
            client.get("/v1/keys")
        except click.ClickException as error:
            fix = "set DRUMBEAT_KEY to a key with the scopes read and operate"
            checks.append(_check("API key", False, error.message, fix))
        else:
            checks.append(_check("API key", True, "accepted"))
    return checks


def _account(account: dict[str, Any]) -> dict[str, Any]:
    running = account["state"] == "running"
    detail = account["state"] + (f", {account['reason']}" if account["reason"] else "")
    fix = f"mend the cause, then `drumbeat accounts resume {account['account']}`"
    return _check(f"account {account['account']}", running, detail, fix)


def _check(name: str, ok: bool, detail: str, fix: str | None = None) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "fix": None if ok else fix}
