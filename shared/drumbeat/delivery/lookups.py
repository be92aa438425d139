"""Looks into unknown outcomes: the search itself, its control, and what follows from what was found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

from drumbeat.core.errors import SecretMissing
from drumbeat.core.outcomes import Found, LookupResult, Unclear, reason_of
from drumbeat.core.provider_keys import provider_key
from drumbeat.delivery import lookups_sql, verdicts
from drumbeat.delivery.credentials import credentials
from drumbeat.delivery.effects import Closing
from drumbeat.delivery.transitions import after_look
from drumbeat.delivery.work import Call, Work
from drumbeat.ledger.database import Database
from drumbeat.providers.calls import Search
from drumbeat.services import Services


def prepare(work: Work, services: Services) -> Call[Search] | Closing:
    """Return the search for what was sent under the effect's key; or, without credentials, how the look failed."""
    effect, login = work.effect, work.login
    assert effect.first_opened_at is not None
    try:
        secrets = credentials(login, services)
    except SecretMissing as error:
        return judge(work, Unclear(str(error)), None, services.random, took=0.0)
    return Call(work, Search(login, secrets, work.key, effect.first_opened_at))


def controls(searches: Sequence[Call[Search]], db: Database) -> dict[str, Search]:
    """For each account of which an absence may be believed now: the same search for what is surely there.

    Two accounts may be one login by different credentials, and a search proves its own only.
    """
    found: dict[str, Search] = {}
    for call in searches:
        effect, policy = call.work.effect, call.work.policy
        assert effect.last_opened_at is not None and effect.identity is not None
        if policy is None or effect.account in found:
            continue
        lag = timedelta(seconds=policy.looks[-1])
        if effect.now - effect.last_opened_at < lag:
            continue
        if known := lookups_sql.control(db, effect.identity, lag):
            key = provider_key(known.effect_id, known.generation)
            found[effect.account] = replace(call.job, key=key, since=known.opened_at)
    return found


def judge(work: Work, look: LookupResult, control: LookupResult | None, random: Random, *, took: float) -> Closing:
    """Return what was learned by a look that ended `took` seconds after its claim, and what follows."""
    effect, policy = work.effect, work.policy
    assert policy is not None
    verdict = verdicts.of_look(effect, look, control, policy, work.login.account, random, took=took)
    match look:
        case Found(reference):
            return after_look(effect, verdict, kind="found", reference=reference or None)
        case Unclear():
            return after_look(effect, verdict, kind="unclear", learned=reason_of(look))
        case _:
            # A trusted absence settles the attempt like a refusal to connect: it was never carried out.
            kind = "not_sent" if verdicts.is_proven_absence(look, verdict) else "absent"
            return after_look(effect, verdict, kind=kind)
