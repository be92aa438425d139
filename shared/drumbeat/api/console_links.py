"""`/v1/console/links`: what opens the console as the calling key, without typing it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from drumbeat.access import sessions
from drumbeat.access.keys import PROPOSE
from drumbeat.api.access import needs
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.services import services

router = ApiRoutes()


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """A path of this deployment that signs in once."""

    path: str
    expires_at: datetime


@router.post("/v1/console/links", middlewares=needs(one_of=("read", PROPOSE, "operate")))
def make_link() -> Answer[ConsoleLink, Literal[201]]:
    """Make a link that signs in to the console as the calling key, once, within a minute."""
    now = services().clock.now()
    token = sessions.link(router.caller, services().key_secret, now)
    return reply(ConsoleLink(f"/sign-in/{token}", now + sessions.LINK_LASTS), 201)
