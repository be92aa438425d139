"""`post_message`: one message to a team's channel."""

from collections.abc import Mapping

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import line, some_text
from drumbeat.planning.context import Variables


class PostMessage(ActionType):
    """Without a channel the account's own is meant, so the target is the account."""

    name = "post_message"
    description = "One message to a team's channel."
    arguments: Mapping[str, Argument] = {
        "text": Argument(Kind.TEXT, "what is said", required=True),
        "channel": Argument(Kind.TEXT, "where; without it the account's own channel", in_target=True),
    }

    def target(self, step: Step, config: Config, seen: Variables) -> str:  # noqa: ARG002
        """Return the channel, else the account's name."""
        return step.account if step.arguments.get("channel") is None else line(step, "channel", seen)

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.PostMessage:  # noqa: ARG002
        """Fill the message."""
        return actions.PostMessage(text=some_text(step, "text", seen), channel=line(step, "channel", planned) or None)


ACTION = PostMessage()
