"""Deliberate bugs, each with the part of the proof that must notice it: what keeps the proof honest."""

from tests.faults.mutations import attempts, decisions, people, rooms, runs, wakeups, wishes
from tests.faults.mutations.mutation import Mutation

__all__ = ["MUTATIONS", "Mutation"]

MUTATIONS = (
    *attempts.MUTATIONS,
    *wakeups.MUTATIONS,
    *decisions.MUTATIONS,
    *people.MUTATIONS,
    *wishes.MUTATIONS,
    *rooms.MUTATIONS,
    *runs.MUTATIONS,
)
