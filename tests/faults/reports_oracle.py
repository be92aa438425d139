"""What must have become of reports: each that was acknowledged is kept once, about the mail that it names or none.

One whose acknowledgement was lost may be kept, at most once.
"""

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from tests.faults.reports import ACCOUNTS, Told
from tests.faults.simulation import Simulation

KEPT = "SELECT account, kind, effect_id, generation, count(*) AS times FROM feedback GROUP BY 1, 2, 3, 4"
MAILS = "SELECT DISTINCT e.id, e.account, a.generation FROM effects e JOIN attempts a ON a.effect_id = e.id"
SUPPRESSED = """
    SELECT c.suppression_kind IS DISTINCT FROM 'manual' AND c.suppressed_at IS NULL AS mailed, e.id
      FROM effects e JOIN contacts c ON c.key = e.contact
"""
KINDS = {"soft": "soft_bounced", "left": "unsubscribed"}  # other words are those of kinds

type Mail = tuple[UUID, str, int]  # its effect, account and generation
type Kept = tuple[str, str, UUID | None, int | None]


def check_reports(simulation: Simulation) -> list[str]:
    """Return what is wrong about reports, once nothing is left to do."""
    owner = simulation.environment.owner
    mails = {(row["id"], row["account"], row["generation"]) for row in owner.run(MAILS)}
    wanted, most = _count(simulation.told, mails), _count(simulation.delivered_reports, mails)
    kept = Counter(
        {(row["account"], row["kind"], row["effect_id"], row["generation"]): row["times"] for row in owner.run(KEPT)}
    )
    violations = [f"{one} was reported {wanted[one]} times and is kept {kept[one]} times" for one in wanted - kept]
    violations += [f"{one} is kept {kept[one]} times and was reported {most[one]} times" for one in kept - most]
    bounced = {told.effect for told in simulation.told if told.word == "bounced" and not told.account}
    violations += [
        f"the mail {row['id']} bounced, and its person may be mailed"
        for row in owner.run(SUPPRESSED)
        if row["id"] in bounced and row["mailed"] and not simulation.lifted
    ]
    return violations


def _count(reports: Iterable[Told], mails: set[Mail]) -> Counter[Kept]:
    return Counter(_kept(told, mails) for told in {_known_by(told): told for told in reports}.values())


def _known_by(told: Told) -> tuple[str, str, str, float]:
    """Return what makes a report the same, whatever delivery brings it."""
    return told.source, told.key, told.word, told.at


def _kept(told: Told, mails: set[Mail]) -> Kept:
    account, kind = told.account or ACCOUNTS[told.provider], KINDS.get(told.word, told.word)
    ours = (told.effect, account, told.generation) in mails
    return account, kind, told.effect if ours else None, told.generation if ours else None
