"""Registers with the sandbox where each vendor's webhooks go, as a user does in each vendor's dashboard.

    DRUMBEAT_KEY=... python -m drumbeat.local.vendor_registration --url http://127.0.0.1:8787 --sandbox ... --home ...

It is asked for by sources that speak for an account: the vendor's reports of that account's mails go to them.
"""

import argparse
import base64
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drumbeat.configuration import check_feedback
from drumbeat.core import secret_references
from drumbeat.core.configuration import Account, Config, Source
from drumbeat.core.errors import DrumbeatError
from drumbeat.infrastructure import secrets_file
from drumbeat.local.terminal import tell
from drumbeat.providers.login import in_sandbox
from drumbeat.sandbox.reports.base import domain

TIMEOUT_SECONDS = 30.0
STAGE = "dev"
# By provider, the schemes that verify what the sandbox signs; a sender of the user's own may sign by any other.
SCHEMES: Mapping[str, Collection[str]] = {**check_feedback.SCHEMES, "http": ("standard_webhooks",)}

type Secrets = Callable[[str], str | None]  # the value that a reference names, or None: none is stored


def register(config: Config, stored: Secrets, sandbox_url: str, front_url: str, ahead: float = 0.0) -> list[str]:
    """Make the sandbox's webhooks those that the configuration asks for; return what is in the way of one, in words.

    `ahead` is how many seconds the stack's clock is ahead of the machine's. Raises OSError when the sandbox is away.
    """
    problems: list[str] = []
    wanted = []
    for source, account in _reporting(config, sandbox_url):
        if source.scheme not in (known := SCHEMES[account.provider]):
            problems.append(
                f"{source.name}: it signs for {account.provider} by {' or '.join(known)}, not {source.scheme}"
            )
            continue
        command = _webhook(source, account, sandbox_url) | {"ahead": ahead}
        command["url"] = f"{front_url}/v1/webhooks/{source.name}"
        values = [value for reference in source.secrets if (value := stored(reference))]
        if source.secrets and not values:
            names = ", ".join(reference.removeprefix("secret:") for reference in source.secrets)
            problems.append(f"{source.name}: no secret is stored; `drumbeat secrets set {names}`, any time")
            continue
        wanted.append(command | ({"secret": values[0]} if values else {}))
    _remove_others(sandbox_url, front_url, wanted)
    for command in wanted:
        try:
            _call("POST", f"{sandbox_url}/_sandbox/webhooks", command)
        except urllib.error.HTTPError as error:
            said = json.loads(error.read()).get("error", error.reason)
            problems.append(f"{command['url'].rpartition('/')[2]}: {said}")
    return problems


def _reporting(config: Config, sandbox_url: str) -> Iterator[tuple[Source, Account]]:
    """Yield the sources that speak for an account whose mails the sandbox takes, with that account."""
    for source in config.sources.values():
        account = config.accounts.get(source.speaks_for or "")
        if account is not None and account.provider in SCHEMES and in_sandbox(account, sandbox_url):
            yield source, account


def _webhook(source: Source, account: Account, sandbox_url: str) -> dict[str, Any]:
    """Return where it belongs at the vendor: Mailgun's by domain, a receiver's by path, the others' by sender."""
    known = account.settings.get("domain") or domain(account.settings.get("from", ""))
    if account.provider == "http":
        path = account.settings.get("base_url", "").removeprefix(f"{sandbox_url}/http").strip("/")
        known = path.partition("/")[0]
    options = {name: str(source.options[name]) for name in ("topic", "header") if source.options.get(name)}
    return {"provider": account.provider, "account": known or None, **options}


def _remove_others(sandbox_url: str, front_url: str, wanted: list[dict[str, Any]]) -> None:
    kept = {(one["provider"], one["account"], one["url"]) for one in wanted}
    for one in _call("GET", f"{sandbox_url}/_sandbox/webhooks")["items"]:
        ours = one["url"].startswith(f"{front_url}/v1/webhooks/")
        if ours and (one["provider"], one["account"], one["url"]) not in kept:
            _call("DELETE", f"{sandbox_url}/_sandbox/webhooks/{one['id']}")


def _call(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401
    """Make one request to this machine and return its JSON. Raises urllib.error.HTTPError, OSError."""
    content = None if body is None else json.dumps(body).encode()
    named = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, content, named, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
        return json.loads(reply.read())


def in_force(front_url: str, key: str) -> Config | None:
    """Return the configuration in force; None: there is none yet. Raises OSError."""
    from drumbeat.configuration.document import compile_document

    try:
        stored = _call("GET", f"{front_url}/v1/config", headers={"Authorization": f"Bearer {key}"})
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    written = stored["document"], stored["templates"]
    compiled = compile_document(*written, file="drumbeat.yaml", sandbox=True, now=datetime.now(UTC))
    return Config.load(stored["version"], compiled)


def stored_secrets(home: Path) -> Secrets:
    """Return how a local stack's functions read a secret: from its file, or else the environment."""
    stored = secrets_file.read(home / secrets_file.FILE)

    def value(reference: str) -> str | None:
        place = secret_references.place(reference, stage=STAGE, local=True)
        if not isinstance(place, secret_references.Variable):
            return None
        return stored.get(place.name, os.environ.get(place.name)) or None

    return value


def make_missing(config: Config, sandbox_url: str, home: Path) -> list[str]:
    """Store a secret for each reporting source that has none; return their names. Here the sandbox is who signs by it.

    Only what `secret:NAME` names: the environment is its owner's.
    """
    known, made = stored_secrets(home), []
    for source, account in _reporting(config, sandbox_url):
        if not source.secrets or any(known(reference) for reference in source.secrets):
            continue
        place = secret_references.place(source.secrets[0], stage=STAGE, local=True)
        if source.secrets[0].startswith("secret:") and isinstance(place, secret_references.Variable):
            secrets_file.store(home / secrets_file.FILE, place.name, _new_secret(account.provider))
            made.append(source.name)
    return made


def _new_secret(provider: str) -> str:
    """Return a secret in the form in which the vendor gives or takes one."""
    match provider:
        case "resend" | "http":
            return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        case "postmark":
            return f"drumbeat:{secrets.token_hex(16)}"
    return secrets.token_hex(16)


def main() -> int:
    """Register for the configuration in force, and tell what is in the way."""
    parser = argparse.ArgumentParser(prog="drumbeat.local.vendor_registration")
    parser.add_argument("--url", required=True, help="where the stack answers")
    parser.add_argument("--sandbox", required=True, help="where the sandbox answers")
    parser.add_argument("--home", type=Path, required=True, help="folder of the stack's secrets")
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds that the stack's clock is ahead")
    options = parser.parse_args()
    try:
        problems = []
        if config := in_force(options.url, os.environ["DRUMBEAT_KEY"]):
            if made := make_missing(config, options.sandbox, options.home):
                tell(f"made a secret each for {', '.join(made)}: by it the sandbox signs what it reports")
            known = stored_secrets(options.home)
            problems = register(config, known, options.sandbox, options.url, options.ahead)
    except (OSError, DrumbeatError) as error:
        tell(f"the sandbox was not told where reports of mails go ({type(error).__name__}); the next change tells it")
        return 1
    for problem in problems:
        tell(f"the sandbox reports nothing to the source {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
