"""Deliberate bugs, each with the part of the proof that must notice it: what keeps the proof honest."""

from tests.faults.mutations import attempts, decisions, rooms, wakeups, wishes
from tests.faults.mutations.mutation import Mutation

__all__ = ["MUTATIONS", "Mutation"]

MUTATIONS = (*attempts.MUTATIONS, *wakeups.MUTATIONS, *decisions.MUTATIONS, *rooms.MUTATIONS, *wishes.MUTATIONS)
