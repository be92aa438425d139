"""Effects in the order in which people look for them: what changed last comes first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from drumbeat import views
from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.status import Status
from drumbeat.delivery import attempts_sql
from drumbeat.ledger.database import Database
from drumbeat.views import effects_newest
from tests.conftest import TestDatabase
from tests.store.rows import claimed, closing, new_effect, planned, recorded, sending, waiting


def listed(db: Database, limit: int = 50, **filter: object) -> list[UUID]:
    """Return all pages of the newest effects."""
    found: list[UUID] = []
    cursor = None
    while True:
        wanted = views.EffectFilter(order="newest", **filter)  # type: ignore[arg-type]
        page = views.newest_effects(db, wanted, cursor=cursor, limit=limit)
        found += [each.effect_id for each in page.items]
        if (cursor := page.next) is None:
            return found


@pytest.fixture(params=["few", "many"])
def scale(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take few effects for few, or for many: the same is listed."""
    if request.param == "many":
        monkeypatch.setattr(effects_newest, "FEW", 0)
        monkeypatch.setattr(effects_newest, "LOOKED_AT", 3)


@pytest.mark.usefixtures("scale")
def test_what_changed_its_status_last_comes_first_whatever_the_pages(database: TestDatabase) -> None:
    effects = [waiting(database) for _ in range(5)]
    for moved in (effects[1], effects[3]):
        claimed(database, moved)
    order = [effects[each] for each in (3, 1, 4, 2, 0)]

    assert listed(database) == listed(database, limit=1) == listed(database, limit=2) == order
    assert listed(database, account="mail") == order
    assert listed(database, status="claimed", limit=1) == order[:2]
    assert listed(database, status="waiting", account="mail", limit=2) == order[2:]
    assert listed(database, status="held") == listed(database, account="crm") == []


@pytest.mark.usefixtures("scale")
def test_the_effects_of_an_event_and_those_since_an_instant_are_found(database: TestDatabase) -> None:
    event = recorded(database)
    steps = [new_effect(event, step) for step in ("a", "b", "c")]
    planned(database, *steps)
    other = waiting(database)

    assert set(listed(database, event=event, limit=1)) == {each.id for each in steps}
    assert listed(database, event=event, status="held") == []
    assert listed(database, since=datetime.now(UTC) - timedelta(hours=1))[0] == other
    assert listed(database, since=datetime.now(UTC) + timedelta(hours=1)) == []


def test_an_effect_says_when_it_came_to_its_status(database: TestDatabase) -> None:
    effect = sending(database)
    reason = Reason(ReasonCode.REFUSED_BY_PROVIDER, "no")
    attempts_sql.close_attempts(database, [closing(effect, "refused", Status.REFUSED, reason=reason, learned=reason)])

    (item,) = views.newest_effects(database, views.EffectFilter(order="newest")).items

    assert (item.status, item.recipient) == ("refused", None)
    assert abs(item.changed_at - item.updated_at) < timedelta(minutes=1)


def test_an_instant_needs_the_order_of_time(database: TestDatabase) -> None:
    with pytest.raises(Invalid, match="order=newest"):
        views.EffectFilter(since=datetime.now(UTC))
    with pytest.raises(Invalid, match="order"):
        views.EffectFilter(order="oldest")
    with pytest.raises(Invalid):
        views.newest_effects(database, views.EffectFilter(order="newest"), cursor="ff")
