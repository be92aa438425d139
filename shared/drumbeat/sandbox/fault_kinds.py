"""The lies the sandbox knows: what each one does, and which requests it meets."""

from collections.abc import Mapping
from dataclasses import dataclass

WRITES, LOOKUPS, ALL = "writes", "lookups", "all"

RETRY_AFTER = ("seconds", "decimals", "date", "past_date", "zero", "negative", "absurd", "missing", "cycle")


@dataclass(frozen=True, slots=True)
class Kind:
    """A lie by name: what it does, which requests it meets, and its own settings with their defaults."""

    name: str
    tells: str
    on: str
    settings: Mapping[str, float | str | bool]
    standing: bool = False  # a condition of the account, in force beside whatever else is told


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("accept_then_500", "Does the work, then answers with a server error.", WRITES, {"status": 500}),
        Kind("accept_then_cut", "Does the work, then closes the connection without a byte.", WRITES, {}),
        Kind("accept_then_hang", "Does the work, then stays silent for so many seconds.", WRITES, {"seconds": 60.0}),
        Kind("refuse_then_500", "Does nothing and answers with a server error.", WRITES, {"status": 503}),
        Kind("refuse_then_cut", "Does nothing and closes the connection without a byte.", WRITES, {}),
        Kind("refuse_then_hang", "Does nothing and stays silent for so many seconds.", WRITES, {"seconds": 60.0}),
        Kind("429", "Does nothing: too many requests, with a Retry-After of the chosen form.", ALL,
             {"retry_after": "seconds", "seconds": 2.0}),
        Kind("denied", "Does nothing: the credentials are refused (401) or lack a right (403).", ALL, {"status": 401}),
        Kind("slow_headers", "Does the work, then lets the headers drip for so long.", WRITES, {"seconds": 10.0}),
        Kind("slow_body", "Does the work, then lets the body drip for so long.", WRITES, {"seconds": 10.0}),
        Kind("cut_body", "Does the work, then closes in the middle of the body.", WRITES, {"accept": True}),
        Kind("truncated_json", "Answers 200 with only half of the JSON.", WRITES, {"accept": True}),
        Kind("html_200", "Answers 200 with a web page where JSON belongs.", WRITES, {"accept": True}),
        Kind("ok_200_with_error_body", "Answers 200 with an error inside.", WRITES, {"accept": False}),
        Kind("drop_idle", "Answers truly, then closes the kept-alive connection unannounced.", ALL, {}),
        Kind("lookup_500", "Answers lookups with a server error.", LOOKUPS, {"status": 500}),
        Kind("key_forgotten", "Forgets a key after so many seconds.", WRITES, {"seconds": 0.0}, standing=True),
        Kind("lookup_lag", "Shows in lookups only what is older than so many seconds.", LOOKUPS, {"seconds": 60.0},
             standing=True),
        Kind("lookup_retention", "Forgets in lookups what is older than so many seconds.", LOOKUPS, {"seconds": 60.0},
             standing=True),
        Kind("latency", "Takes so many milliseconds for every answer.", ALL, {"ms": 100.0}, standing=True),
        Kind("rate_limit", "Allows so many requests, and a burst (0: as many) at once; beyond that, 429.",
             ALL, {"limit": 10.0, "per": 1.0, "burst": 0.0}, standing=True),
    )
}  # fmt: skip

GROUPS = (
    ("Does the work, then lies about it", ("accept_then_500", "accept_then_cut", "accept_then_hang")),
    ("Does nothing", ("refuse_then_500", "refuse_then_cut", "refuse_then_hang", "429", "denied")),
    ("Answers badly", ("truncated_json", "html_200", "ok_200_with_error_body", "cut_body", "slow_headers", "slow_body",
                       "drop_idle")),
    ("Looks and forgets badly", ("lookup_500", "lookup_lag", "lookup_retention", "key_forgotten")),
    ("Pace", ("latency", "rate_limit")),
)  # fmt: skip
