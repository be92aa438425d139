"""`upsert_contact`: create or update one contact, known by its address."""

from collections.abc import Mapping

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import address, texts
from drumbeat.planning.context import Variables


class UpsertContact(ActionType):
    """A contact is a record about a person, not a message to them: it needs no consent."""

    name = "upsert_contact"
    description = "Create or update one contact; only these properties are touched."
    arguments: Mapping[str, Argument] = {
        "email": Argument(Kind.ADDRESS, "the contact's address", required=True, in_target=True),
        "properties": Argument(
            Kind.PROPERTIES,
            'what is set; others stay, and so do those that come out empty: a written "" clears one',
            required=True,
        ),
    }

    def target(self, step: Step, config: Config, seen: Variables) -> str:  # noqa: ARG002
        """Return the contact's address."""
        return address(step, "email", seen)

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.UpsertContact:  # noqa: ARG002
        """Fill the contact; a property that comes out empty is left out, so that it clears nothing."""
        return actions.UpsertContact(email=address(step, "email", planned), properties=texts(step, "properties", seen))


ACTION = UpsertContact()
