"""What an action is: how it is written, whom it is for, what is made of it, and whether it needs consent.

One file an action. Checks, models and JSON schema of `with:` are made of `arguments`; nothing here needs a validator.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from drumbeat.core.actions import Action
from drumbeat.core.configuration import Config, Step, Template
from drumbeat.planning.context import Variables


class Kind(StrEnum):
    """What may be written for an argument. A text may hold expressions in `{{ }}`."""

    TEXT = "text"
    ADDRESS = "address"  # a text that must come out as one e-mail address
    TEXTS = "texts"  # a list of texts
    HEADERS = "headers"  # a mapping from header names to texts
    PROPERTIES = "properties"  # a mapping from names to texts, numbers, true, false or null
    CONTENT = "content"  # a text, or lists and mappings whose leaves may be texts; null says something
    VERBATIM = "verbatim"  # a text that is taken as it stands, without expressions


@dataclass(frozen=True, slots=True)
class Argument:
    """One field of a step's `with:`.

    `in_target` marks what the target is made of: it is filled when the effect is planned and has no id yet.
    """

    kind: Kind
    meaning: str
    required: bool = False
    in_target: bool = False
    choices: tuple[str, ...] = ()  # of a verbatim text; (): any


class ActionType(Protocol):
    """One action that a step can name. Every method is pure.

    `given` is what stands in `with:`; a field that stands there and is wrong is there as None.
    """

    name: str
    description: str  # one sentence, for editors
    arguments: Mapping[str, Argument]
    needs_consent: bool = False  # of the person it is for: cancelled once they are suppressed

    def target(self, step: Step, config: Config, seen: Variables) -> str:
        """Return whom or what a step acts on, from the event alone: it names the effect, and is stored nowhere.

        Raises:
            Unusable: this event does not say.
        """
        ...

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> Action:
        """Return the action with every text filled: the target from `planned` as before, the rest from `seen`.

        Raises:
            Unusable: a text uses what the event does not have, or a value does not fit its place.
        """
        ...

    def list_of(self, step: Step, semantics: int) -> str | None:  # noqa: ARG002 - only mail has one
        """Return the list that a step's person must have agreed to; None: to none."""
        return None

    def problems(
        self,
        given: Mapping[str, Any],  # noqa: ARG002 - most actions have nothing to add
        templates: Mapping[str, Template],  # noqa: ARG002
    ) -> Iterable[tuple[list[str], str]]:
        """List what is wrong beyond single fields: where it stands below `with:`, and what to write instead."""
        return ()

    def template_texts(self, given: Mapping[str, Any], templates: Mapping[str, Template]) -> Iterable[str]:  # noqa: ARG002
        """List the texts of templates that the step fills."""
        return ()
