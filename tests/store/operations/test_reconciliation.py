"""What a restored ledger learns of the time that it lost."""

import uuid

import pytest

from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.delivery import claims_sql
from drumbeat.operations import reconcile_sql
from drumbeat.operations.reconcile_sql import Acceptance
from tests.conftest import TestDatabase
from tests.store.rows import LEASE, waiting


def record(database: TestDatabase, *found: Acceptance) -> dict[uuid.UUID, str]:
    return reconcile_sql.record(database, found, account="mail", why=Reason(ReasonCode.RECONCILED, "restored (ada)"))


@pytest.mark.point(65)
def test_what_may_have_been_sent_is_listed_by_the_key_that_the_provider_knows(database: TestDatabase) -> None:
    some = sorted(waiting(database) for _ in range(3))

    first = reconcile_sql.at_risk(database, account="mail", after=None, limit=2)
    rest = reconcile_sql.at_risk(database, account="mail", after=first[-1].effect_id, limit=2)

    assert [each.provider_key for each in first + rest] == [f"{effect}-1" for effect in some]
    assert reconcile_sql.at_risk(database, account="another", after=None, limit=2) == []


@pytest.mark.point(65)
def test_evidence_that_is_written_down_settles_an_effect_without_a_call(database: TestDatabase) -> None:
    effect = waiting(database)

    assert record(database, Acceptance(effect, 1, "theirs")) == {effect: "recorded"}

    (claimed,) = claims_sql.claim(database, [effect], lease=LEASE, limit=1)
    assert (claimed.proof, claimed.proof_reference) == ("accepted", "theirs")


@pytest.mark.point(65)
def test_evidence_is_written_down_once_and_only_for_what_is_known(database: TestDatabase) -> None:
    effect, lost = waiting(database), uuid.uuid4()
    found = [Acceptance(effect, 1, "theirs"), Acceptance(lost, 1, None)]

    assert record(database, *found) == {effect: "recorded", lost: "unknown"}
    assert record(database, *found) == {effect: "known", lost: "unknown"}
    assert record(database, Acceptance(effect, 2, "theirs")) == {effect: "unknown"}
