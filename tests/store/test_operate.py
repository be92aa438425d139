"""The SQL of the runbook for a restored database does what the runbook says."""

import re
from pathlib import Path
from typing import LiteralString, cast

import pytest

from drumbeat.store import effects
from tests.conftest import TestDatabase
from tests.store.ledger import LEASE, waiting

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "operate.md"
AT_RISK, RECONCILE = re.findall(r"^```sql\n(.*?);\n```$", RUNBOOK.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.point(65)
def test_what_may_have_been_sent_is_listed_by_the_key_that_the_provider_knows(database: TestDatabase) -> None:
    effect = waiting(database)

    rows = database.run(cast("LiteralString", AT_RISK))

    assert [row["provider_key"] for row in rows] == [f"{effect}-1"]


@pytest.mark.point(65)
def test_evidence_that_is_written_down_settles_an_effect_without_a_call(database: TestDatabase) -> None:
    effect = waiting(database)

    database.run(cast("LiteralString", RECONCILE.replace("THE PROVIDER KEY", f"{effect}-1")))

    (claimed,) = effects.claim(database, [effect], lease=LEASE, limit=1)
    assert (claimed.proof, claimed.proof_reference) == ("accepted", "THE PROVIDER'S OWN ID")
