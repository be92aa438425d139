"""Sends: the request, frozen once per generation and repeated to the letter, and what follows from its answer."""

from dataclasses import replace
from random import Random

from drumbeat.core import tracing
from drumbeat.core.campaigns import Cap, campaign_of
from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotUnderstood, SecretAway, SecretMissing
from drumbeat.core.outcomes import Outcome
from drumbeat.core.reasons import Reason, ReasonCode
from drumbeat.core.request import Request
from drumbeat.core.status import Status
from drumbeat.delivery import verdicts
from drumbeat.delivery.credentials import credentials
from drumbeat.delivery.effects import Claimed, Closing, Opening
from drumbeat.delivery.requests import freeze
from drumbeat.delivery.transitions import after_answer
from drumbeat.delivery.work import Call, Work
from drumbeat.infrastructure.secrets import SECRET_CACHE_SECONDS
from drumbeat.people.links import mail_links
from drumbeat.planning.plan import has_step, plans
from drumbeat.planning.render import Unrenderable, render
from drumbeat.providers.calls import Send
from drumbeat.services import Services


def prepare(work: Work, services: Services) -> tuple[Call[Send] | None, Opening]:
    """Return the send with the opening of its attempt; or no send, with where the effect goes instead."""
    effect, login = work.effect, work.login
    try:
        secrets = credentials(login, services, max_age=_oldest_secret(effect))
        request = work.request or _build(work, services)
        frozen, digest = (None, effect.request_hash) if work.request else freeze(request)
    except SecretAway as error:
        away = Reason(ReasonCode.SECRET_AWAY, error.reference)
        return None, _unsent(effect, Status.WAITING, away, wait=verdicts.SECRET_AWAY_WAIT_SECONDS)
    except SecretMissing as error:
        return None, _unsent(effect, Status.HELD, Reason(ReasonCode.SECRET_MISSING, error.detail))
    except NotUnderstood:
        later = Reason(ReasonCode.NOT_UNDERSTOOD)
        return None, _unsent(effect, Status.WAITING, later, wait=verdicts.NOT_UNDERSTOOD_WAIT_SECONDS)
    except (Unrenderable, ValueError) as error:
        return None, _unsent(effect, Status.REFUSED, Reason(ReasonCode.NOT_RENDERED, str(error)))
    opening = Opening(
        effect.id,
        effect.fence,
        Status.SENDING,
        identity=login.identity,
        request_hash=digest,
        frozen=frozen,
        counted=effect.confirms,
        of_run=effect.recipient is not None,
        cap=_cap(effect, services),
    )
    return Call(replace(work, repeat=login.repeat(request)), Send(login, secrets, request, work.key)), opening


def _cap(effect: Claimed, services: Services) -> Cap | None:
    """Return how often the person of a run's mail may be mailed, by the version that planned the run."""
    name = campaign_of(effect.flow)
    return services.configuration(effect.version).campaigns[name].cap if name else None


def judge(work: Work, answer: Outcome, random: Random, *, others_accepted: bool = False) -> Closing:
    """Return what was learned by a send, and what follows."""
    verdict = verdicts.of_answer(
        work.effect, answer, work.login.account, work.repeat, random, others_accepted=others_accepted
    )
    return after_answer(work.effect, verdict, answer, identity=work.login.identity)


def _oldest_secret(effect: Claimed) -> float:
    """Return how old its secrets may be: what was denied may have been sent with a value that was replaced since."""
    return SECRET_CACHE_SECONDS if effect.denied_at is None else (effect.now - effect.denied_at).total_seconds()


def _build(work: Work, services: Services) -> Request:
    effect, login = work.effect, work.login
    config = _content(effect, services)
    links = mail_links(effect.id, config, services) if effect.list else None
    lead = effect.recipient.lead if effect.recipient else None
    action = render(effect.event, config, effect.flow, effect.step, effect_id=effect.id, links=links, lead=lead)
    request = login.provider.build(login.target, action, key=work.key)
    return _traced(request, effect) if getattr(login.provider, "traced", False) else request


def _traced(request: Request, effect: Claimed) -> Request:
    """Return the request with the span of the attempt that freezes it, unless the step names another itself."""
    return replace(
        request,
        headers={"traceparent": tracing.of_attempt(effect.id, effect.fence).traceparent, **request.headers},
    )


def _content(effect: Claimed, services: Services) -> Config:
    """Return the configuration that the texts come from: the one that planned the effect.

    What a person sends again comes from the one in force, so that a correction counts, provided that this one plans the
    very same effect: the recipient is fixed.
    """
    if effect.generation > 1:
        newest = services.configuration(effect.newest_version).by(effect.semantics)
        planned = effect.account, effect.action, effect.list
        if effect.recipient and has_step(newest, effect.flow, effect.step, planned):
            return newest
        if not effect.recipient and plans(effect.event, newest, effect.id, effect.flow, planned):
            return newest
    return services.configuration(effect.version).by(effect.semantics)


def _unsent(effect: Claimed, to: Status, reason: Reason, *, wait: float = 0.0) -> Opening:
    return Opening(effect.id, effect.fence, to, wait=wait, reason=reason, of_run=effect.recipient is not None)
