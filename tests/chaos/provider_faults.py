"""The faults of providers, for some seconds each."""

from collections.abc import Mapping
from random import Random
from typing import Any

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
BY_PROVIDER: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "hubspot": ANYWHERE + BY_NAME,
    "resend": ANYWHERE + BY_NAME,
    "mailgun": ANYWHERE + BY_NAME + LOOKUPS * 4,
    "http": ANYWHERE,
}
ALWAYS: Mapping[str, Any] = {"lie": "latency", "ms": 30}


def choose(random: Random) -> dict[str, Any]:
    """Choose a fault, its provider, and how long it lasts."""
    provider = random.choice(list(BY_PROVIDER))
    chosen = random.choice(BY_PROVIDER[provider])
    return {**chosen, "provider": provider, "lasts": random.uniform(3, 9), "seed": random.randrange(1_000_000)}
