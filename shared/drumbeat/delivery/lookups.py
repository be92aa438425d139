"""Looks into unknown outcomes: the search itself, and its control."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from drumbeat.core.outcomes import Found, LookupResult, Unclear, reason_of
from drumbeat.delivery import lookups_sql, verdicts
from drumbeat.delivery.effects import Closing
from drumbeat.delivery.work import Work, closing_of, provider_key
from drumbeat.ledger.database import Database
from drumbeat.providers.calls import Search


def search(work: Work, secrets: Mapping[str, str]) -> Search:
    """Return the search for what was sent under the effect's key."""
    effect = work.effect
    assert work.login is not None and effect.first_opened_at is not None
    return Search(work.login, secrets, work.key, effect.first_opened_at)


def controls(looks: Sequence[Work], db: Database) -> dict[str, Search]:
    """For each account of which an absence may be believed now: the same search for what is surely there.

    Two accounts may be one login by different credentials, and a search proves its own only.
    """
    found: dict[str, Search] = {}
    for work in looks:
        effect, policy = work.effect, work.policy
        assert effect.last_opened_at is not None and effect.identity is not None
        if policy is None or effect.account in found or not isinstance(work.job, Search):
            continue
        lag = timedelta(seconds=policy.looks[-1])
        if effect.now - effect.last_opened_at < lag:
            continue
        if known := lookups_sql.control(db, effect.identity, lag):
            key = provider_key(known.effect_id, known.generation)
            found[effect.account] = replace(work.job, key=key, since=known.opened_at)
    return found


def judge(work: Work, look: LookupResult, control: LookupResult | None, random: Random, *, took: float) -> Closing:
    """Return what was learned by a look that ended `took` seconds after its claim, and what follows."""
    effect, policy = work.effect, work.policy
    assert work.login is not None and policy is not None
    verdict = verdicts.of_look(effect, look, control, policy, work.login.account, random, took=took)
    closing = closing_of(effect, verdict, origin="look")
    match look:
        case Found(reference):
            return replace(closing, kind="found", reference=reference)
        case Unclear():
            return replace(closing, kind="unclear", learned=reason_of(look))
        case _:
            # A trusted absence settles the attempt like a refusal to connect: it was never carried out.
            return replace(closing, kind="not_sent" if verdicts.is_proven_absence(look, verdict) else "absent")
