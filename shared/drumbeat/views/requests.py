"""The request of one effect, as it was frozen: the bytes that were sent, or are about to be."""

from dataclasses import dataclass
from uuid import UUID

from drumbeat.ledger.database import Database

REQUEST = """
    SELECT frozen, hash FROM requests WHERE effect_id = %(id)s ORDER BY generation DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Frozen:
    """Compressed bytes, and the hash of what they hold."""

    frozen: bytes
    hash: bytes


def request(db: Database, effect: UUID) -> Frozen | None:
    """Return the newest request of an effect; None when it was not rendered yet, or is not kept any more."""
    rows = db.run(REQUEST, {"id": effect})
    return Frozen(**rows[0]) if rows else None
