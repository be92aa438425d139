"""What a step can ask of a provider. Values are final: rendered, checked, ready to be frozen into a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SendEmail:
    """One mail to one person. At least one of text and html is present."""

    to: str
    subject: str
    text: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    list: str | None = None


@dataclass(frozen=True, slots=True)
class UpsertContact:
    """Create or update one contact; only the given properties are touched."""

    email: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PublishPost:
    """One public post."""

    text: str
    link: str | None = None
    media: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostMessage:
    """One message to a team's channel."""

    text: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to a receiver of the user's own. `body` is the JSON text (or plain text) to send."""

    method: str
    path: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


type Action = SendEmail | UpsertContact | PublishPost | PostMessage | Call

# The names used in flows.
ACTIONS: Mapping[str, type[SendEmail | UpsertContact | PublishPost | PostMessage | Call]] = {
    "send_email": SendEmail,
    "upsert_contact": UpsertContact,
    "publish_post": PublishPost,
    "post_message": PostMessage,
    "call": Call,
}
