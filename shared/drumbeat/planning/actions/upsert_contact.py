"""`upsert_contact`: create or update one contact, known by its address."""

from collections.abc import Mapping

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import Variables, address, texts


class UpsertContact(ActionType):
    """A contact is a record about a person, not a message to them: it needs no consent."""

    name = "upsert_contact"
    description = "Create or update one contact; only these properties are touched."
    arguments: Mapping[str, Argument] = {
        "email": Argument(Kind.ADDRESS, "the contact's address", required=True, in_target=True),
        "properties": Argument(Kind.PROPERTIES, "what is set; other properties stay", required=True),
    }

    def target(self, step: Step, config: Config, seen: Variables) -> str:
        """Return the contact's address."""
        return address(step, "email", seen, config.semantics)

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.UpsertContact:
        """Fill the contact."""
        return actions.UpsertContact(
            email=address(step, "email", planned, config.semantics), properties=texts(step, "properties", seen)
        )


ACTION = UpsertContact()
