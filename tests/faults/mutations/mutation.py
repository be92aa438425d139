"""A deliberate bug, and which part of the proof must notice it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.proof import StoryOfTwo, StoryWithFault

type Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutation:
    """One bug. `noticed_by`: a scenario, a story, a story with one fault, a story of two releases, or the seeds."""

    name: str
    make: Callable[[Patch], None]
    noticed_by: str | StoryWithFault | StoryOfTwo


def change_statement(patch: Patch, module: Any, statement: str, *changes: tuple[str, str]) -> None:
    """Change a statement's text; each changed text must occur exactly once."""
    text = getattr(module, statement)
    for before, after in changes:
        assert text.count(before) == 1, f"{statement} does not hold {before!r} once"
        text = text.replace(before, after)
    patch.setattr(module, statement, text)
