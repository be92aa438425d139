"""What happened: the ledger beside the providers' own log."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from drumbeat.local.demo.doors import Doors, call
from drumbeat.local.frames import Json

FINAL = ("accepted", "refused", "cancelled", "held")


@dataclass(frozen=True)
class StepFate:
    """The result of one step's effects."""

    step: str
    account: str
    statuses: Counter[str]
    attempts: int
    seconds: tuple[float, float]  # median and longest, from the event's receipt to the effect's end


@dataclass(frozen=True)
class Proof:
    """Every effect of the ledger beside what the providers did for it."""

    expected: int
    fates: tuple[StepFate, ...]
    accepted: int
    done_once: int  # effects that the providers carried out exactly once
    done_twice: tuple[str, ...]
    never_done: tuple[str, ...]
    unasked: tuple[str, ...]  # done by a provider, and no effect of ours
    lies: dict[str, int]
    lookups: int
    replayed: int  # repeats that a provider recognised and did not do again

    @property
    def holds(self) -> bool:
        """Return whether each effect was done exactly once, and nothing else was."""
        return (
            self.expected == self.accepted == self.done_once
            and not self.done_twice
            and not self.never_done
            and not self.unasked
        )


def settled(doors: Doors) -> tuple[int, Counter[str]]:
    """Return how many effects are at rest, and all by status."""
    totals = doors.get("/v1/status")["totals"]
    by_status = Counter(totals["effects"])
    return sum(by_status[status] for status in FINAL), by_status


def prove(doors: Doors, sandbox_url: str, expected: int) -> Proof:
    """Compare both sides."""
    effects = list(pages(doors, "/v1/effects"))
    received = {event["eventId"]: instant(event["receivedAt"]) for event in pages(doors, "/v1/events")}
    counts = call("GET", f"{sandbox_url}/_sandbox/counts")
    # The key that a provider sees is the effect's id with its generation.
    done = {tally["effect"].rpartition("-")[0]: tally["done"] for tally in counts["effects"]}
    ours = {effect["effectId"] for effect in effects}
    return Proof(
        expected=expected,
        fates=tuple(fates(effects, received)),
        accepted=sum(effect["status"] == "accepted" for effect in effects),
        done_once=sum(done.get(id) == 1 for id in ours),
        done_twice=tuple(sorted(id for id in ours if done.get(id, 0) > 1)),
        never_done=tuple(sorted(id for id in ours if not done.get(id))),
        unasked=tuple(sorted(done.keys() - ours)),
        lies=counts["lies"],
        lookups=counts["totals"]["lookups"],
        replayed=counts["totals"]["replayed"],
    )


def fates(effects: list[Json], received: dict[str, datetime]) -> list[StepFate]:
    """Sum up by step."""
    steps: dict[tuple[str, str, str], list[Json]] = {}
    for effect in effects:
        steps.setdefault((effect["flow"], effect["step"], effect["account"]), []).append(effect)
    found = []
    for (flow, step, account), members in sorted(steps.items()):
        seconds = [(instant(each["updatedAt"]) - received[each["eventId"]]).total_seconds() for each in members]
        median = quantiles(seconds, n=2)[0] if len(seconds) > 1 else seconds[0]
        found.append(
            StepFate(
                step=f"{flow}/{step}",
                account=account,
                statuses=Counter(each["status"] for each in members),
                attempts=sum(each["attempts"] for each in members),
                seconds=(median, max(seconds)),
            )
        )
    return found


def pages(doors: Doors, path: str) -> list[Json]:
    """Return all items of a list."""
    items: list[Json] = []
    cursor = ""
    while True:
        page = doors.get(f"{path}?limit=200{cursor}")
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def instant(text: str) -> datetime:
    """Read an instant of the API."""
    return datetime.fromisoformat(text)
