"""The people of an audience, page by page: as the configuration and the instant of the first page say throughout."""

from dataclasses import dataclass
from datetime import UTC, datetime

from drumbeat.audiences import members_sql
from drumbeat.audiences.members_sql import FIRST
from drumbeat.audiences.named import having, in_force
from drumbeat.core.clock import from_microseconds, microseconds
from drumbeat.core.configuration import Config
from drumbeat.core.errors import Invalid
from drumbeat.ledger import clock
from drumbeat.services import Services
from drumbeat.views.lead_pages import READ_FOR_A_PAGE, LeadItem
from drumbeat.views.pages import INVALID_CURSOR, PAGE_SIZE, Fits, Page, everything

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # that any cursor was made


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins."""

    config: Config
    at: datetime
    after: bytes

    def cursor(self, after: bytes) -> str:
        """Return where the next one does."""
        return f"{self.config.version}-{microseconds(self.at)}-{after.hex()}"


def page(
    name: str, services: Services, *, cursor: str | None = None, limit: int = PAGE_SIZE, fits: Fits = everything
) -> Page[LeadItem]:
    """Return people of an audience. A page may be short, or empty, while `next` says that there are more.

    Raises:
        NotFound: there is no audience of that name.
        Invalid: the cursor is none of ours.
    """
    place = _place(name, services, cursor)
    stretch = members_sql.stretch(services.db, place.after, READ_FOR_A_PAGE)
    if stretch is None:
        return Page([], None)
    found = members_sql.members(services.db, place.config, name, place.at, stretch, limit + 1)
    shown: list[LeadItem] = []
    for member in found[:limit]:
        if not fits(member.lead) and shown:
            break
        shown.append(member.lead)
    if len(shown) < len(found):
        return Page(shown, place.cursor(found[len(shown) - 1].contact))
    return Page(shown, place.cursor(stretch.last) if stretch.leads == READ_FOR_A_PAGE else None)


def _place(name: str, services: Services, cursor: str | None) -> _Place:
    if cursor is None:
        return _Place(in_force(name, services), clock.now(services.db), FIRST)
    try:
        version, microseconds, after = cursor.split("-")
        config, at = services.configuration(int(version)), from_microseconds(int(microseconds))
        key = bytes.fromhex(after)
    except (ValueError, OverflowError, LookupError):
        raise Invalid(INVALID_CURSOR) from None
    if at < EARLIEST:
        raise Invalid(INVALID_CURSOR)
    return _Place(having(name, config), at, key)
