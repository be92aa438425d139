"""Why a person is in an audience or not: each condition with what it saw."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from drumbeat.audiences import attributes_sql, counting_sql, judging_sql, wording
from drumbeat.audiences.judging_sql import Saw
from drumbeat.audiences.named import in_force
from drumbeat.core.audiences import AllOf, AnyOf, Attribute, Bucket, InAudience, Leaf, Node, Not, both, either
from drumbeat.core.errors import NotFound
from drumbeat.ledger import clock
from drumbeat.services import Services

NO_LEAD = (
    "this person has no lead, and an audience is of leads. What was just sent is one once it is planned; a sign-up that"
    " waits to be confirmed is none yet"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A condition about a person. `parts`: of a group, or of the audience that it refers to."""

    condition: Mapping[str, object]  # as it is written; of a group its word alone, with nothing
    verdict: bool | None  # None: it is not known
    saw: object = None
    why: str | None = None  # it is not known
    parts: list["Judged"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Explained:
    """Whether a person is in an audience, and why."""

    audience: str
    version: int
    at: datetime
    person: UUID
    address: str
    verdict: bool | None
    tree: Judged


def explain(name: str, services: Services, *, keys: Collection[bytes] = (), id: UUID | None = None) -> Explained:
    """Explain an audience for a person, by the keys of an address or by id.

    Raises:
        NotFound: there is no audience of that name, or no such lead.
    """
    db = services.db
    with counting_sql.snapshot(db):
        config = in_force(name, services)
        found = judging_sql.find(db, keys, id)
        if found is None:
            raise NotFound(NO_LEAD)
        at = clock.now(db)
        saw = judging_sql.judge(db, config.audiences, name, found.contact, at)
    tree = _judged(config.audiences[name], saw, config.audiences)
    return Explained(name, config.version, at, found.person, found.address, tree.verdict, tree)


def _judged(node: Node, saw: Mapping[Leaf, Saw], audiences: Mapping[str, Node]) -> Judged:
    match node:
        case AllOf(parts):
            judged = [_judged(part, saw, audiences) for part in parts]
            return Judged({"all": None}, both(part.verdict for part in judged), parts=judged)
        case AnyOf(parts):
            judged = [_judged(part, saw, audiences) for part in parts]
            return Judged({"any": None}, either(part.verdict for part in judged), parts=judged)
        case Not(part):
            inner = _judged(part, saw, audiences)
            return Judged({"not": None}, None if inner.verdict is None else not inner.verdict, parts=[inner])
        case InAudience(audience):
            inner = _judged(audiences[audience], saw, audiences)
            return Judged(wording.written(node), inner.verdict, parts=[inner])
    seen = saw[node]
    why = attributes_sql.why(node) if isinstance(node, Attribute) and seen.verdict is None else None
    return Judged(wording.written(node), seen.verdict, _shown(node, seen.value), why)


def _shown(leaf: Leaf, value: object) -> object:
    """Return what was seen: of a bucket the place of the person among all, in percent."""
    if isinstance(leaf, Bucket) and isinstance(value, bytes):
        return round(int.from_bytes(value[:8]) / 2**64 * 100, 3)
    return value
