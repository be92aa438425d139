"""The faults of providers, for some seconds each."""

from collections.abc import Mapping
from random import Random
from typing import Any

from tests.chaos.people import DOMAIN

# The cost of a slow fault is limited by its rate: a call that hangs holds its whole batch for ten seconds. Left out are
# faults that last longer than a trial (refused credentials and an absurd Retry-After pause an account for minutes or
# hours) and faults that break the guarantee on which a repeat class is based (a key forgotten, a log not kept).
ANYWHERE: tuple[Mapping[str, Any], ...] = (
    {"lie": "accept_then_500", "rate": 0.4},
    {"lie": "accept_then_500", "rate": 0.4, "status": 502},
    {"lie": "accept_then_cut", "rate": 0.4},
    {"lie": "accept_then_hang", "rate": 0.03, "seconds": 30},
    {"lie": "refuse_then_500", "rate": 0.4},
    {"lie": "refuse_then_500", "rate": 1.0},
    {"lie": "refuse_then_cut", "rate": 0.4},
    {"lie": "refuse_then_hang", "rate": 0.03, "seconds": 30},
    *(
        {"lie": "429", "rate": 0.1, "retry_after": form}
        for form in ("seconds", "decimals", "date", "past_date", "zero", "negative", "missing")
    ),
    {"lie": "slow_headers", "rate": 0.05, "seconds": 4},
    {"lie": "slow_headers", "rate": 0.02, "seconds": 14},
    {"lie": "slow_body", "rate": 0.05, "seconds": 4},
    {"lie": "slow_body", "rate": 0.02, "seconds": 14},
    {"lie": "cut_body", "rate": 0.4},
    {"lie": "truncated_json", "rate": 0.4},
    {"lie": "html_200", "rate": 0.4},
    {"lie": "drop_idle", "rate": 0.5},
    {"lie": "latency", "ms": 400},
    {"lie": "rate_limit", "limit": 20},
)
LOOKUPS: tuple[Mapping[str, Any], ...] = (
    {"lie": "lookup_500", "rate": 0.2},
    {"lie": "lookup_lag", "seconds": 4},
    {"lie": "429", "rate": 0.3, "on": "lookups"},
)
# A user's receiver answers just 200; only a vendor that names what it accepted can be found not to have done it.
BY_NAME: tuple[Mapping[str, Any], ...] = (
    {"lie": "ok_200_with_error_body", "rate": 0.4},
    {"lie": "html_200", "rate": 0.4, "accept": False},
    {"lie": "truncated_json", "rate": 0.4, "accept": False},
    {"lie": "cut_body", "rate": 0.4, "accept": False},
)
# What a provider reports of its mails. Class F waits for it for a quarter of an hour: what is late here is not so late.
REPORTS: tuple[Mapping[str, Any], ...] = (
    {"lie": "feedback_never", "rate": 0.3},
    {"lie": "feedback_late", "rate": 0.7, "seconds": 8},
    {"lie": "feedback_late", "rate": 0.3, "seconds": 20},
    {"lie": "feedback_twice", "rate": 0.7},
    {"lie": "feedback_first", "rate": 0.3},
    {"lie": "feedback_for_unknown", "rate": 0.3},
)
BY_PROVIDER: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "hubspot": ANYWHERE + BY_NAME,
    "resend": ANYWHERE + BY_NAME + REPORTS,
    "mailgun": ANYWHERE + BY_NAME + LOOKUPS * 4 + REPORTS,
    "ses": ANYWHERE + BY_NAME + REPORTS * 4,
    "http": ANYWHERE,
}
# Each report is an event as well, so of most mails there is none: all of class F are reported, which needs them, of the
# others' mails to leads a few and to people half.
UNREPORTED: tuple[Mapping[str, Any], ...] = tuple(
    {"lie": "feedback_never", "provider": provider, "match": f"@{domain}", "rate": rate, "seed": 1}
    for provider in ("mailgun", "resend")
    for domain, rate in (("example.com", 0.85), (DOMAIN, 0.5))
)
REPORTS_SHARE = 0.35  # of all events, about, that they make
ALWAYS: tuple[Mapping[str, Any], ...] = ({"lie": "latency", "ms": 30}, *UNREPORTED)


def choose(random: Random) -> dict[str, Any]:
    """Choose a fault, its provider, and how long it lasts."""
    provider = random.choice(list(BY_PROVIDER))
    chosen = random.choice(BY_PROVIDER[provider])
    return {**chosen, "provider": provider, "lasts": random.uniform(3, 9), "seed": random.randrange(1_000_000)}
