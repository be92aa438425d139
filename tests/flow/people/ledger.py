"""What the ledger of a stack says of people, read with its owner's rights."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg

from drumbeat.core.address import contact_key
from drumbeat.infrastructure.settings import Settings
from drumbeat.local.frames import Json
from drumbeat.local.home import Home
from drumbeat.local.servers import Postgres
from drumbeat.services import Services
from tests.flow.stacks import Stack


@dataclass
class People:
    """Reads the ledger of one stack."""

    stack: Stack
    postgres: Postgres

    def rows(self, query: str, **given: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self.postgres.url("drumbeat")) as ledger:
            return ledger.execute(query.encode(), given).fetchall()

    def state(self, address: str, mailing_list: str = "newsletter") -> str:
        """Return a person's consent."""
        query = "SELECT consent_state(consents, %(list)s) FROM contacts WHERE key = %(key)s"
        rows = self.rows(query, list=mailing_list, key=self._key(address))
        return str(rows[0][0]) if rows else "none"

    def said(self, address: str) -> Counter[str]:
        """Return how often a person's consent was recorded as what."""
        rows = self.rows("SELECT kind FROM consents WHERE contact = %(key)s", key=self._key(address))
        return Counter(kind for (kind,) in rows)

    def everything(self) -> list[tuple[Any, ...]]:
        """Return all events, what people agreed to, and all effects: two that are equal say that nothing changed."""
        return self.rows(
            "SELECT (SELECT array_agg(id ORDER BY id) FROM events),"
            " (SELECT jsonb_agg(jsonb_build_array(key, consents, confirmations) ORDER BY key) FROM contacts),"
            " (SELECT count(*) FROM consents),"
            " (SELECT array_agg(row(id, seq)::text ORDER BY id) FROM effects)"
        )

    def story(self, address: str) -> Json:
        """Return what is shown of a person."""
        return self.stack.call("GET", f"/v1/leads/{address}")[2]

    def _key(self, address: str) -> bytes:
        secret = Home(self.stack.home).secret()
        services = Services(Settings.from_env({"DATABASE_URL": self.postgres.url(), "DRUMBEAT_SECRET": secret}))
        return contact_key(services.contact_secret, address)
