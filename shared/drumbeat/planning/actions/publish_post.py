"""`publish_post`: one public post."""

from collections.abc import Mapping

from drumbeat.core import actions
from drumbeat.core.configuration import Config, Step
from drumbeat.planning.actions.base import ActionType, Argument, Kind
from drumbeat.planning.arguments import line, list_of_texts, some_text
from drumbeat.planning.context import Variables


class PublishPost(ActionType):
    """Everyone is addressed, so the target is the account."""

    name = "publish_post"
    description = "One public post."
    arguments: Mapping[str, Argument] = {
        "text": Argument(Kind.TEXT, "what is said", required=True),
        "link": Argument(Kind.TEXT, "an address that the post shows"),
        "media": Argument(Kind.TEXT, "the address of a picture or film"),
        "parts": Argument(Kind.TEXTS, "the posts that follow in the thread"),
    }

    def target(self, step: Step, config: Config, seen: Variables) -> str:  # noqa: ARG002
        """Return the account's name."""
        return step.account

    def make(self, step: Step, config: Config, planned: Variables, seen: Variables) -> actions.PublishPost:  # noqa: ARG002
        """Fill the post."""
        return actions.PublishPost(
            text=some_text(step, "text", seen),
            link=line(step, "link", seen) or None,
            media=line(step, "media", seen) or None,
            parts=list_of_texts(step, "parts", seen),
        )


ACTION = PublishPost()
