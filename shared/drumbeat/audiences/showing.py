"""An audience as it is now: how many are in, of how many that is not known and why, and some of its people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.audiences import counting_sql, members_sql
from drumbeat.audiences.counting_sql import Unknown
from drumbeat.audiences.members_sql import FIRST, Member
from drumbeat.audiences.named import in_force
from drumbeat.core.audiences import Attribute, expanded
from drumbeat.core.configuration import Config
from drumbeat.ledger import clock
from drumbeat.services import Services

PATIENCE_SECONDS = 25.0  # for one statement over all leads
READ_FIRST = 1_000  # leads, in which to look for a sample
READ_MORE = 10  # times as many, each time that there are too few


@dataclass(frozen=True, slots=True)
class Sampled:
    """One person of a sample, with the attributes that the audience asks for."""

    id: UUID
    address: str
    attributes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """An audience at one instant: of all leads, who is in. All of it is of the same moment."""

    audience: str
    version: int
    at: datetime
    leads: int
    matched: int
    undecided: int  # it is not known whether they are in: so they are not
    unknown: tuple[Unknown, ...]  # what leaves that open; one person may have several
    sample: list[Sampled]


def show(name: str, services: Services, *, sample: int = 0) -> Shown:
    """Count an audience, and return some of its people: the same ones, as long as they are in.

    Raises:
        NotFound: there is no audience of that name.
        psycopg.OperationalError: the ledger is unreachable.
    """
    db = services.db
    with db.patient(PATIENCE_SECONDS), counting_sql.snapshot(db):
        config = in_force(name, services)
        at = clock.now(db)
        counts = counting_sql.counts(db, config.audiences, name, at)
        found = list(_sample(services, config, name, at, min(sample, counts.matched)))
    asked = {leaf.path[0] for leaf in expanded(name, config.audiences) if isinstance(leaf, Attribute)}
    return Shown(
        audience=name,
        version=config.version,
        at=at,
        leads=counts.leads,
        matched=counts.matched,
        undecided=counts.undecided,
        unknown=counts.unknown,
        sample=[_sampled(member, asked) for member in found],
    )


def _sample(services: Services, config: Config, name: str, at: datetime, wanted: int) -> Iterator[Member]:
    """Yield so many people: in ever longer stretches of all leads, since there are so many."""
    after, read = FIRST, READ_FIRST
    while wanted > 0:
        stretch = members_sql.stretch(services.db, after, read)
        if stretch is None:
            return
        found = members_sql.members(services.db, config, name, at, stretch, wanted)
        yield from found
        wanted -= len(found)
        after, read = stretch.last, read * READ_MORE


def _sampled(member: Member, asked: set[str]) -> Sampled:
    known = member.lead.attributes
    return Sampled(member.lead.id, member.lead.address, {name: known[name] for name in sorted(asked & known.keys())})
