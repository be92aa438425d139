"""The command `drumbeat leads receipt`: one page that proves what a person agreed to."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from drumbeat.cli import sent_text
from drumbeat.cli.client import Client, with_client
from drumbeat.cli.output import print_json
from drumbeat.core.token_links import without_tokens

KINDS = {"pending": "Asked", "given": "Given", "withdrawn": "Withdrawn"}
NO_EFFECT = {"left": "no effect: the person had left", "given_before": "no effect: it was given before"}
WIDTH = 12  # of a label


@click.command("receipt")
@click.argument("person", metavar="EMAIL|ID")
@with_client
def command(client: Client, person: str) -> None:
    """Print a person's consent receipt: what they agreed to and when, what they were shown, and the mail that asked."""
    # Encoded twice, for a path cannot hold every character that an address may.
    receipt = client.get(f"/v1/leads/{quote(quote(person, safe=''), safe='')}/receipt")
    if client.json:
        print_json(receipt)
    else:
        click.echo("\n".join(_printable(line) for line in _page(receipt, person)))


def _page(receipt: dict[str, Any], person: str) -> Iterator[str]:
    yield "Consent receipt"
    yield ""
    yield _line("Address", receipt["address"] or (person if "@" in person else "not kept"))
    yield _line("Person", receipt["id"])
    yield _line("Made", receipt["madeAt"])
    if receipt["suppressed"]:
        yield _line("Suppressed", receipt["suppressed"])
    if receipt["erasedAt"]:
        yield _line("Erased", f"{receipt['erasedAt']}: what was received until then has no evidence any more")
    if not receipt["whole"]:
        yield _line("Not whole", "older statements or mails did not fit: `drumbeat leads show` has them all")
    if not receipt["statements"]:
        yield from ("", "Nothing was said of any list.")
    states = {each["list"]: each["state"] for each in receipt["standing"]}
    for name in dict.fromkeys(each["list"] for each in receipt["statements"]):
        yield from _list(name, states.get(name, "none"), receipt)


def _list(name: str, state: str, receipt: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{'Every list' if name == '*' else f'List {name}'}: {state}"
    for fact in receipt["statements"]:
        if fact["list"] != name:
            continue
        yield from _statement(fact)
        for mail in receipt["mails"]:
            if (mail["eventId"], mail["list"]) == (fact["eventId"], name) and fact["kind"] == "pending":
                yield from _mail(mail)


def _statement(fact: dict[str, Any]) -> Iterator[str]:
    confirmed = fact["kind"] == "given" and fact["door"] == "confirm"
    by = "the person" if fact["byPerson"] else "a program or an import"
    yield ""
    yield _line("Confirmed" if confirmed else KINDS[fact["kind"]], f"{fact['at']}, by {by} ({fact['door']})")
    if fact["noEffect"]:
        yield _line("", NO_EFFECT[fact["noEffect"]])
    evidence = fact["evidence"]
    if evidence is None:
        yield _line("Evidence", "none is kept")
    for label, field in (
        ("Form", "form"),
        ("Page", "origin"),
        ("Text", "text"),
        ("SHA-256", "text_sha256"),
        ("Version", "version"),
        ("Said at", "at"),
        ("Language", "locale"),
        ("Network", "ip"),
        ("By", "by"),
    ):
        if evidence and evidence.get(field) not in (None, ""):
            yield from _lines(label, str(evidence[field]))
    yield _line("Event", f"{fact['eventId']}, recorded {fact['recordedAt']}")


def _mail(mail: dict[str, Any]) -> Iterator[str]:
    sent = f"opened {mail['openedAt']}" if mail["openedAt"] else "not sent"
    yield ""
    yield _line("Mail", f"that asks to confirm: {mail['status']}, {sent}")
    yield _line("Effect", mail["effectId"])
    request = mail["request"]
    if request is None:
        yield _line("Text", "not kept")
        return
    yield _line("Subject", without_tokens(request["subject"] or ""))
    for line in sent_text.lines(request, full=True):
        yield f"  {'':{WIDTH}}| {without_tokens(line)}"


def _lines(label: str, text: str) -> Iterator[str]:
    first, *rest = text.splitlines() or [""]
    yield _line(label, first)
    yield from (_line("", line) for line in rest)


def _line(label: str, text: object) -> str:
    return f"  {label:{WIDTH}}{text}".rstrip()


def _printable(line: str) -> str:
    """Return a line without what commands a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
