"""One mail through a deployment's account, followed to where it arrives."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from drumbeat.cli.checks import Check, check
from drumbeat.cli.client import Client, Refusal
from drumbeat.cli.mail.arrived import Expected, Mail, check_mail, look_yourself
from drumbeat.cli.output import span
from drumbeat.cli.waiting import wait
from drumbeat.core.configuration import Config
from drumbeat.core.status import Status
from drumbeat.planning.check_mails import sends_mail
from drumbeat.planning.text_checks import uses

SANDBOX_SECONDS = 10.0
LINK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Which mail the user wants to see."""

    to: str
    account: str | None
    list: str | None
    template: str | None
    payload: Mapping[str, Any] | None
    within: float


def send_and_check(client: Client, asked: Asked, config: Config) -> Iterator[Check]:
    """Send one mail, and check what arrived in the sandbox or say what to look at in the mailbox."""
    if _needs_list(asked, config):
        fix = f"say which: {_options('--list', config.lists)}"
        yield check("mail", False, f"{asked.template} is for mails to a list; nothing was sent", fix)
        return
    wanted = {"to": asked.to, "account": asked.account, "list": asked.list, "template": asked.template}
    key = f"doctor-{uuid.uuid4()}"
    try:
        sent = client.post("/v1/doctor/mail", {**wanted, "payload": asked.payload, "idempotencyKey": key})
    except Refusal as error:
        mailing = [each.name for each in config.accounts.values() if sends_mail(each)]
        unnamed = asked.account is None and len(mailing) > 1
        fix = f"say which: {_options('--account', mailing)}" if unnamed else "the message says what; nothing was sent"
        yield check("mail", False, error.message, fix)
        return
    story = wait(client, sent["eventId"], asked.within)
    yield (outcome := _outcome(story, sent, asked))
    if not outcome["ok"] or story is None:
        return
    if sent["sandbox"] is None:
        yield from look_yourself(asked.to, asked.list)
        return
    yield from _in_sandbox(client, story["effects"][0]["effectId"], sent, asked, config)


def _needs_list(asked: Asked, config: Config) -> bool:
    """Return whether a template uses what only a mail to a list has."""
    template = config.templates.get(asked.template or "")
    if template is None or asked.list is not None or not config.lists:
        return False
    words = [template.subject or "", *template.sources("text"), *template.sources("html")]
    return any(uses(part, variable) for part in words for variable in ("list", "unsubscribe_url"))


def _options(option: str, names: Iterable[str]) -> str:
    return " or ".join(f"{option} {name}" for name in sorted(names))


def _outcome(story: Mapping[str, Any] | None, sent: Mapping[str, Any], asked: Asked) -> Check:
    name = f"mail by account {sent['account']} ({sent['provider']})"
    again = f"nothing is lost: drumbeat event {sent['eventId']}"
    if story is None or story["plan"] is None:
        return check(
            name, False, f"not sent after {span(asked.within)}", f"{again}; `drumbeat doctor` says what is away"
        )
    for reason in story["plan"]["failed"].values():
        return check(name, False, f"cannot be sent: {reason}", "see `drumbeat config`, and ask again")
    if not story["effects"]:
        return check(
            name, False, "it was planned by an earlier release", "deploy this release everywhere, and ask again"
        )
    effect = story["effects"][0]
    reason = f": {effect['reason']}" if effect["reason"] else ""
    if effect["status"] == Status.ACCEPTED:
        return check(name, True, f"accepted; {sent['from']} to {asked.to}, event {sent['eventId']}")
    fixes = {
        Status.CANCELLED: "a suppressed address gets no mail, and a list's mail goes to people who agreed to that list:"
        " sign up with the address first, or leave --list out",
        Status.REFUSED: f"{again} shows the answer; correct the cause, or give a template its --payload, and ask again",
        Status.HELD: f"{again}; correct the cause, then `drumbeat resolve`",
    }
    fix = fixes.get(Status(effect["status"]), f"{again} shows its attempts")
    return check(name, False, f"{effect['status']}{reason}", fix)


def _in_sandbox(client: Client, effect: str, sent: Mapping[str, Any], asked: Asked, config: Config) -> Iterator[Check]:
    try:
        found = _get_json(f"{sent['sandbox']}/_sandbox/mail?q={effect}")["items"]
    except (OSError, HTTPException, ValueError) as error:
        fix = "run this on the machine of the stack; the mail is in its inbox"
        yield check("sandbox", False, f"{sent['sandbox']} does not answer ({type(error).__name__})", fix)
        return
    fix = "`drumbeat verify` shows whether one was sent twice; the sandbox's faults are at /lies"
    yield check("sandbox", len(found) == 1, f"{len(found)} arrived; inbox: {sent['sandbox']}", fix)
    if not found:
        return
    yield from check_mail(
        Mail.of_sandbox(found[0]),
        Expected(
            sender=sent["from"],
            to=asked.to,
            mailing_list=asked.list,
            postal_address=config.postal_address,
            message_id=sent["provider"] == "mailgun",
            opens=lambda link: _opens(client, link),
        ),
    )


def _opens(client: Client, link: str) -> str | None:
    """Open a link as a reader, or a scanner, would; None when it shows a page and nothing was recorded by that."""
    before = _withdrawals(client)
    try:
        with _OPENER.open(urllib.request.Request(link, method="GET"), timeout=LINK_SECONDS) as reply:  # noqa: S310 - https, or this machine
            status = reply.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    except (OSError, HTTPException, ValueError) as error:
        return f"it does not open ({getattr(error, 'reason', None) or type(error).__name__})"
    if status != 200:
        return f"it answers {status}, and not 200"
    return None if _withdrawals(client) == before else "opening it changed something: scanners open every link"


def _withdrawals(client: Client) -> list[str]:
    items = client.get("/v1/events", source="drumbeat:unsubscribe", limit=1)["items"]
    return [each["eventId"] for each in items]


def _get_json(url: str) -> Any:  # noqa: ANN401 - the sandbox's own
    with urllib.request.urlopen(url, timeout=SANDBOX_SECONDS) as reply:  # noqa: S310 - the deployment said where
        return json.loads(reply.read())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: RFC 8058 wants none."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)
