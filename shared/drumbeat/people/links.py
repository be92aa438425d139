"""Links in mails: where a person confirms, and where they say what they no longer want."""

from uuid import UUID

from drumbeat.core.configuration import Config
from drumbeat.people.tokens import Kind, Tokens
from drumbeat.planning.context import Links
from drumbeat.services import Services


def mail_links(mail: UUID, config: Config, services: Services) -> Links:
    """Return the links of one mail: the same ones each time it is made. Raises as `Services.link_keys` does."""
    base, tokens = public_url(config.public_url, services), Tokens.of(services)
    return Links(
        unsubscribe=f"{base}/u/{tokens.issue(Kind.UNSUBSCRIBE, mail)}",
        confirm=f"{base}/c/{tokens.issue(Kind.CONFIRM, mail)}",
    )


def public_url(configured: str | None, services: Services) -> str:
    """Return where people reach our pages: in a local stack its own address, whatever is configured."""
    return services.settings.public_url or configured or ""
