"""How often one address may be posted: what keeps a form from filling a stranger's inbox."""

import logging
import math
from importlib import resources

from redis.exceptions import RedisError

from drumbeat.core.address import contact_key
from drumbeat.core.errors import TooMany
from drumbeat.services import Services

MOST_IN_AN_HOUR = 10  # different posts of one form
HOUR_SECONDS = 3600
SCRIPT = (resources.files("drumbeat.public") / "often.lua").read_text()

_LOG = logging.getLogger(__name__)


def admit(source: str, address: str, key: str, services: Services) -> None:
    """Count a post of an address, once however often the same one comes. While Redis is away all pass.

    Raises:
        TooMany: this address was posted to this form often enough in this hour.
    """
    person = contact_key(services.contact_secret, address).hex()
    try:
        wait = services.redis.run("EVAL", SCRIPT, 1, f"{{forms}}:{source}:{person}", key, MOST_IN_AN_HOUR, HOUR_SECONDS)
    except RedisError as error:
        _LOG.warning("form_not_limited", extra={"error": type(error).__name__})
        return
    if wait:
        raise TooMany(
            "This address was sent with this form often enough for an hour. Nothing was stored; what was sent before "
            "is. Send it again later.",
            max(1, math.ceil(int(wait) / 1000)),
        )
