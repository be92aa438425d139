"""What a provider can be asked for. Values are final: rendered, checked, ready to be frozen into a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")  # of a `Call`


class Action:
    """One action with everything filled in. The providers that name it in their `actions` know its class."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Tracking:
    """Whether a provider may count opens, by an image, and clicks, by links of its own."""

    opens: bool
    clicks: bool


@dataclass(frozen=True, slots=True)
class SendEmail(Action):
    """One mail to one person. At least one of text and html is present."""

    to: str
    subject: str
    text: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    list: str | None = None
    tracking: Tracking | None = None  # None: as the provider's account has it


@dataclass(frozen=True, slots=True)
class UpsertContact(Action):
    """Create or update one contact; only the given properties are touched."""

    email: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishPost(Action):
    """One public post."""

    text: str
    link: str | None = None
    media: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostMessage(Action):
    """One message to a team's channel."""

    text: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Action):
    """One HTTP request to a receiver of the user's own. `body` is the JSON text (or plain text) to send."""

    method: str
    path: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
