"""The faults that the sandbox can inject: what each one does, and which requests it meets."""

from collections.abc import Mapping
from dataclasses import dataclass

WRITES, LOOKUPS, ALL = "writes", "lookups", "all"

ODD_IDS = ("nul", "surrogate", "long", "address", "cycle")
RETRY_AFTER = ("seconds", "decimals", "date", "past_date", "zero", "negative", "absurd", "missing", "cycle")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault by name: what it does, which requests it meets, and its own settings with their defaults."""

    name: str
    description: str
    on: str
    settings: Mapping[str, float | str | bool]
    is_condition: bool = False  # of the account: in force beside any other fault
    of_feedback: bool = False  # it meets what is reported of a mail or call, not the answer to it


FAULT_KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind("accept_then_500", "Does the work, then answers with a server error.", WRITES, {"status": 500}),
        FaultKind("accept_then_cut", "Does the work, then closes the connection without a byte.", WRITES, {}),
        FaultKind("accept_then_hang", "Does the work, then stays silent for so many seconds.", WRITES,
                  {"seconds": 60.0}),
        FaultKind("refuse_then_500", "Does nothing and answers with a server error.", WRITES, {"status": 503}),
        FaultKind("refuse_then_cut", "Does nothing and closes the connection without a byte.", WRITES, {}),
        FaultKind("refuse_then_hang", "Does nothing and stays silent for so many seconds.", WRITES, {"seconds": 60.0}),
        FaultKind("429", "Does nothing: too many requests, with a Retry-After of the chosen form.", ALL,
                  {"retry_after": "seconds", "seconds": 2.0}),
        FaultKind("denied", "Does nothing: the credentials are refused (401) or lack a right (403).", ALL,
                  {"status": 401}),
        FaultKind("slow_headers", "Does the work, then sends the headers slowly, over so many seconds.", WRITES,
                  {"seconds": 10.0}),
        FaultKind("slow_body", "Does the work, then sends the body slowly, over so many seconds.", WRITES,
                  {"seconds": 10.0}),
        FaultKind("cut_body", "Does the work, then closes in the middle of the body.", WRITES, {"accept": True}),
        FaultKind("truncated_json", "Answers 200 with only half of the JSON.", WRITES, {"accept": True}),
        FaultKind("html_200", "Answers 200 with a web page where JSON belongs.", WRITES, {"accept": True}),
        FaultKind("ok_200_with_error_body", "Answers 200 with an error inside.", WRITES, {"accept": False}),
        FaultKind("odd_id", "Does the work, and the id in its answer is unusable, in the chosen way.", WRITES,
                  {"form": "cycle"}),
        FaultKind("long_body", "Does the work, and its answer goes on for so many KiB.", WRITES, {"kib": 200.0}),
        FaultKind("drop_idle", "Answers correctly, then closes the kept-alive connection without notice.", ALL, {}),
        FaultKind("lookup_500", "Answers lookups with a server error.", LOOKUPS, {"status": 500}),
        FaultKind("key_forgotten", "Forgets a key after so many seconds.", WRITES, {"seconds": 0.0}, is_condition=True),
        FaultKind("lookup_lag", "Shows in lookups only what is older than so many seconds.", LOOKUPS,
                  {"seconds": 60.0}, is_condition=True),
        FaultKind("lookup_retention", "Forgets in lookups what is older than so many seconds.", LOOKUPS,
                  {"seconds": 60.0}, is_condition=True),
        FaultKind("latency", "Takes so many milliseconds for every answer.", ALL, {"ms": 100.0}, is_condition=True),
        FaultKind("rate_limit", "Allows so many requests, and a burst (0: as many) at once; beyond that, 429.",
                  ALL, {"limit": 10.0, "per": 1.0, "burst": 0.0}, is_condition=True),
        FaultKind("feedback_never", "Reports nothing of the mail.", WRITES, {}, is_condition=True, of_feedback=True),
        FaultKind("feedback_late", "Reports everything so many seconds later than it happened.", WRITES,
                  {"seconds": 60.0}, is_condition=True, of_feedback=True),
        FaultKind("feedback_twice", "Sends each report twice, as the provider does when it repeats one.", WRITES, {},
                  is_condition=True, of_feedback=True),
        FaultKind("feedback_first", "Reports before the answer to the mail leaves.", WRITES, {}, is_condition=True,
                  of_feedback=True),
        FaultKind("feedback_for_unknown", "Reports, too, of a mail with an id that was never given out.", WRITES, {},
                  is_condition=True, of_feedback=True),
    )
}  # fmt: skip

GROUPS = (
    ("Does the work, and its response hides that", ("accept_then_500", "accept_then_cut", "accept_then_hang")),
    ("Does nothing", ("refuse_then_500", "refuse_then_cut", "refuse_then_hang", "429", "denied")),
    ("Answers badly", ("truncated_json", "html_200", "ok_200_with_error_body", "cut_body", "slow_headers", "slow_body",
                       "odd_id", "long_body", "drop_idle")),
    ("Looks up and remembers badly", ("lookup_500", "lookup_lag", "lookup_retention", "key_forgotten")),
    ("Speed", ("latency", "rate_limit")),
    ("Reports badly", ("feedback_never", "feedback_late", "feedback_twice", "feedback_first",
                       "feedback_for_unknown")),
)  # fmt: skip
