"""Configuration versions: immutable, numbered from one, the newest in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from drumbeat.core.configuration import Config
from drumbeat.ledger import unplanned as unplanned_events
from drumbeat.ledger.database import Database


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """One version as it was written and applied."""

    version: int
    hash: bytes  # SHA-256 of document and templates
    document: str
    templates: Mapping[str, str]  # file name -> text
    compiled: Mapping[str, Any]
    applied_by: str
    applied_at: datetime

    @property
    def config(self) -> Config:
        """The version as planner, worker and ingest read it. Raises NotUnderstood."""
        return Config.load(self.version, self.compiled)

    def is_read_like(self, compiled: Mapping[str, Any]) -> bool:
        """Return whether another compiled form is read by the same rules."""
        return all(self.compiled.get(name) == compiled.get(name) for name in ("semantics", "must_understand"))


@dataclass(frozen=True, slots=True)
class VersionItem:
    """One version in a list. `templates`: how many files."""

    version: int
    hash: bytes
    applied_by: str
    applied_at: datetime
    document_bytes: int
    templates: int


NEWEST_VERSION = "SELECT max(version) AS version FROM configs"


def newest_version(db: Database) -> int | None:
    """Return the number of the version in force, None before the first `apply`."""
    version: int | None = db.run(NEWEST_VERSION)[0]["version"]
    return version


NEWEST_COMPILED = "SELECT version, compiled FROM configs ORDER BY version DESC LIMIT 1"


def newest(db: Database) -> Config | None:
    """Return the configuration in force, None before the first `apply`. Raises NotUnderstood."""
    rows = db.run(NEWEST_COMPILED)
    return Config.load(rows[0]["version"], rows[0]["compiled"]) if rows else None


COMPILED = "SELECT version, compiled FROM configs WHERE version = %(version)s"


def load(db: Database, version: int) -> Config:
    """Return one version, which never changes. Raises LookupError for a number never applied, and NotUnderstood."""
    rows = db.run(COMPILED, {"version": version})
    if not rows:
        raise LookupError(f"configuration version {version} does not exist")
    return Config.load(version, rows[0]["compiled"])


USES = """
    SELECT secret.value #>> '{}' AS reference, 'source ' || source.key AS provider, NULL AS base_url
      FROM configs
     CROSS JOIN jsonb_each(compiled -> 'sources') AS source
     CROSS JOIN jsonb_array_elements(source.value -> 'secrets') AS secret
     UNION
    SELECT option.value #>> '{}', 'source ' || source.key, NULL
      FROM configs
     CROSS JOIN jsonb_each(compiled -> 'sources') AS source
     CROSS JOIN jsonb_each(source.value -> 'options') AS option
     WHERE option.value #>> '{}' ~ '^(secret|env|ssm):'
     UNION
    SELECT secret.value AS reference,
           account.value ->> 'provider' AS provider,
           account.value -> 'settings' ->> 'base_url' AS base_url
      FROM configs
     CROSS JOIN jsonb_each(compiled -> 'accounts') AS account
     CROSS JOIN jsonb_each_text(account.value -> 'secrets') AS secret
"""


def uses_of_secrets(db: Database) -> list[tuple[str, str, str | None]]:
    """Return each secret that any version named, with who it is for: a provider and its base URL, or a source."""
    return [(row["reference"], row["provider"], row["base_url"]) for row in db.run(USES)]


STORED = """
    SELECT version, hash, document, templates, compiled, applied_by, applied_at
      FROM configs
     ORDER BY version DESC
     LIMIT 1
"""


def newest_stored(db: Database) -> StoredConfig | None:
    """Return the version in force with its text, None before the first `apply`."""
    rows = db.run(STORED)
    return StoredConfig(**rows[0]) if rows else None


STORED_AS = """
    SELECT version, hash, document, templates, compiled, applied_by, applied_at
      FROM configs
     WHERE version = %(version)s
"""


def stored(db: Database, version: int) -> StoredConfig | None:
    """Return one version with its text, None for a number never applied."""
    rows = db.run(STORED_AS, {"version": version})
    return StoredConfig(**rows[0]) if rows else None


LISTED = """
    SELECT version, hash, applied_by, applied_at, octet_length(document) AS document_bytes,
           (SELECT count(*) FROM jsonb_object_keys(templates)) AS templates
      FROM configs
     WHERE %(before)s::integer IS NULL OR version < %(before)s
     ORDER BY version DESC
     LIMIT %(limit)s
"""


def listed(db: Database, *, before: int | None, limit: int) -> list[VersionItem]:
    """List versions, newest first, older than `before`."""
    return [VersionItem(**row) for row in db.run(LISTED, {"before": before, "limit": limit})]


# Nothing is inserted when the newest version has the same text and is read by the same rules, nor when another run took
# the number meanwhile, nor while an outcome is open whose account would get another login: its lookups and repeats
# belong to the old one. (An account that is left out gets no other login: what is open under it goes on with the
# version that planned it.)
INSERT = """
    WITH newest AS (
        SELECT version, hash, compiled
          FROM configs
         ORDER BY version DESC
         LIMIT 1
    )
    INSERT INTO configs (version, hash, document, templates, compiled, applied_by)
    SELECT coalesce((SELECT version FROM newest), 0) + 1, %(hash)s, %(document)s, %(templates)s, %(compiled)s, %(actor)s
     WHERE NOT EXISTS (
               SELECT
                 FROM newest
                WHERE hash = %(hash)s
                  AND compiled -> 'semantics' IS NOT DISTINCT FROM %(compiled)s::jsonb -> 'semantics'
                  AND compiled -> 'must_understand' IS NOT DISTINCT FROM %(compiled)s::jsonb -> 'must_understand')
       AND NOT EXISTS (
               SELECT
                 FROM effects
                 JOIN attempts ON attempts.effect_id = effects.id AND attempts.generation = effects.generation
                WHERE effects.status IN ('sending', 'unknown')
                  AND attempts.identity <> %(identities)s::jsonb ->> effects.account)
        ON CONFLICT (version) DO NOTHING
 RETURNING version
"""


def insert(
    db: Database,
    *,
    hash: bytes,
    document: str,
    templates: Mapping[str, str],
    compiled: Mapping[str, Any],
    identities: Mapping[str, str],
    actor: str,
) -> int | None:
    """Store the next version and return its number, or None when it must not or need not be stored now.

    `identities` names the login of each account in the new document.
    """
    rows = db.run(
        INSERT,
        {
            "hash": hash,
            "document": document,
            "templates": Jsonb(dict(templates)),
            "compiled": Jsonb(dict(compiled)),
            "identities": Jsonb(dict(identities)),
            "actor": actor,
        },
    )
    return rows[0]["version"] if rows else None


OPEN_IDENTITIES = """
    SELECT effects.account, attempts.identity, count(DISTINCT effects.id) AS effects
      FROM effects
      JOIN attempts ON attempts.effect_id = effects.id AND attempts.generation = effects.generation
     WHERE effects.status IN ('sending', 'unknown')
     GROUP BY effects.account, attempts.identity
     ORDER BY effects.account
"""


def open_identities(db: Database) -> list[tuple[str, str, int]]:
    """List (account, identity, how many effects) of every attempt whose outcome is still open."""
    return [(row["account"], row["identity"], row["effects"]) for row in db.run(OPEN_IDENTITIES)]


# Events that the new version may plan: those without a plan, and those with a flow that failed.
UNPLANNED = f"""
    SELECT id
      FROM (
            (SELECT events.id
               FROM ({unplanned_events.SEARCHED}) AS events
              WHERE events.id > %(after)s
                AND {unplanned_events.NO_PLAN}
              ORDER BY events.id
              LIMIT %(limit)s)
            UNION
            (SELECT plans.event_id
               FROM plans
              WHERE plans.failed <> '{{}}'
                AND plans.event_id > %(after)s
                AND plans.failed - ARRAY(SELECT flow FROM replans WHERE replans.event_id = plans.event_id)
                    - ARRAY(SELECT unnest(flows) FROM dismissals WHERE dismissals.event_id = plans.event_id) <> '{{}}'
              ORDER BY plans.event_id
              LIMIT %(limit)s)
           ) AS candidates
     ORDER BY id
     LIMIT %(limit)s
"""  # noqa: S608 - put together from constants


def unplanned(db: Database, *, after: UUID, limit: int) -> list[UUID]:
    """List events, in id order after `after`, that have no plan or a flow that could not be planned."""
    return [row["id"] for row in db.run(UNPLANNED, {"after": after, "limit": limit})]
