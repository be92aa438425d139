"""Which language a page is in that no form belongs to: that of a link in a mail, or of what was refused."""

from drumbeat.core.configuration import LOCALES
from drumbeat.core.errors import Unavailable
from drumbeat.ingest.door import Door
from drumbeat.public.visit import Visit


def of_visitor(visit: Visit) -> str:
    """Return what the browser asks for; costs nothing."""
    return visit.locale or LOCALES[0]


def of_link(visit: Visit, door: Door) -> str:
    """Return what the browser asks for, or else what the configured forms are in, where they agree."""
    if visit.locale:
        return visit.locale
    try:
        spoken = {source.locale for source in door.catalog.sources().values() if source.form}
    except Unavailable:
        spoken = set()
    return spoken.pop() if len(spoken) == 1 else LOCALES[0]
