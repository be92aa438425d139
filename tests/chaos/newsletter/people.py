"""Whom the newsletter is sent to, and how they come into the ledger: most by SQL, those who act by an import."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import batched

import psycopg

from drumbeat.core.address import contact_key
from drumbeat.core.ids import event_id
from drumbeat.infrastructure.settings import Settings
from drumbeat.local.home import Home
from drumbeat.services import Services
from tests.chaos.environment import Environment
from tests.chaos.newsletter.asking import ask

DOMAIN = "readers.example.net"
LETTER, CLUB = "letter", "club"
EARLY_SHARE, MOST_EARLY = 0.1, 800
MEMBERS_SHARE, MOST_MEMBERS = 0.1, 500
ROWS_A_CHUNK = 500
CONSENT = "a form on paper"

# As an import and its plans leave them, but all by one event: 20,000 of these would take minutes of their own.
_EVENT = """
    INSERT INTO events (id, source, key, type, door, fingerprint, received_at)
    VALUES (%(event)s, 'readers', 'readers', 'CONSENT', 'import', '', %(at)s)
"""
_PLAN = """
    INSERT INTO plans (event_id, version, hash, failed, semantics)
    SELECT %(event)s, version, '', '{}', 1 FROM configs ORDER BY version DESC LIMIT 1
"""
_CONTACTS = """
    INSERT INTO contacts (key, consents)
    SELECT key, consent_fact(%(list)s, 'given', false, %(at)s, %(event)s)
      FROM unnest(%(keys)s::bytea[]) AS key
"""
_CONSENTS = """
    INSERT INTO consents (contact, list, event_id, kind, by_person, at)
    SELECT key, %(list)s, %(event)s, 'given', false, %(at)s FROM unnest(%(keys)s::bytea[]) AS key
"""
_LEADS = """
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT key, jsonb_build_object('v', address, 't', 1, 'e', %(event)s::text),
           (SELECT coalesce(jsonb_object_agg(name, jsonb_build_object('v', value, 't', 1, 'e', %(event)s::text)), '{}')
              FROM jsonb_each(said) AS attributes (name, value)), '{}', %(at)s, %(at)s
      FROM unnest(%(keys)s::bytea[], %(addresses)s::text[], %(said)s::jsonb[]) AS l (key, address, said)
"""


def readers(people: int) -> tuple[list[str], list[str]]:
    """Return the addresses of all readers: those who had an edition before, and the others."""
    early = min(round(people * EARLY_SHARE), MOST_EARLY)
    return (
        [f"early-{number}@{DOMAIN}" for number in range(early)],
        [f"reader-{number}@{DOMAIN}" for number in range(people - early)],
    )


def members(people: int) -> list[str]:
    """Return the addresses of those whom two campaigns want at once."""
    return [f"member-{number}@{DOMAIN}" for number in range(min(round(people * MEMBERS_SHARE), MOST_MEMBERS))]


def keys(environment: Environment, addresses: Sequence[str]) -> list[bytes]:
    """Return the keys of addresses in the ledger of a stack."""
    secret = Home(environment.folder / "home").secret()
    settings = Settings.from_env({"DATABASE_URL": environment.ledger_urls[1], "DRUMBEAT_SECRET": secret})
    own = Services(settings).contact_secret
    return [contact_key(own, address) for address in addresses]


def put_in(environment: Environment, people: Mapping[str, Mapping[str, str]], name: str) -> None:
    """Write people who agreed to a list into the ledger, as its owner: their addresses, and their attributes."""
    rows: dict[str, object] = {
        "keys": keys(environment, list(people)),
        "addresses": list(people),
        "said": [json.dumps(attributes) for attributes in people.values()],
        "list": name,
        "event": event_id("readers", "readers"),
    }
    with psycopg.connect(environment.ledger_urls[0]) as owner:  # one transaction
        rows["at"] = _value(owner.execute("SELECT drumbeat_now()").fetchone())
        for statement in (_EVENT, _PLAN, _CONTACTS, _CONSENTS, _LEADS):
            owner.execute(statement.encode(), rows)
    with psycopg.connect(environment.ledger_urls[0], autocommit=True) as owner:
        owner.execute("ANALYZE")  # which Postgres does by itself a minute later


def _value(row: tuple[object, ...] | None) -> object:
    assert row is not None
    return row[0]


def bring_in(environment: Environment, addresses: Sequence[str], name: str, group: str) -> None:
    """Import people who agreed to a list."""
    file = hashlib.sha256(f"{name} {group}".encode()).hexdigest()
    for chunk in batched(enumerate(addresses, 1), ROWS_A_CHUNK, strict=False):
        rows = [{"row": row, "fields": {"email": address, "group": group}} for row, address in chunk]
        taken = ask(
            environment,
            "POST",
            "/v1/leads/import",
            {"file": file, "rows": rows, "mode": "given", "list": name, "consent": CONSENT},
        )
        assert taken.status == 200, taken
        assert not taken.body["results"]["refused"], taken


def withdraw(environment: Environment, address: str) -> bool:
    """Withdraw a person's consent as a file of an operator does; return whether that was acknowledged."""
    file = hashlib.sha256(f"left {address}".encode()).hexdigest()
    rows = [{"row": 1, "fields": {"email": address}}]
    taken = ask(
        environment, "POST", "/v1/leads/import", {"file": file, "rows": rows, "mode": "withdrawn", "list": LETTER}
    )
    return taken.status == 200


def suppress(environment: Environment, address: str) -> bool:
    """Suppress an address; return whether that was acknowledged."""
    return ask(environment, "POST", "/v1/suppressions", {"email": address, "reason": "they called"}).status == 200
