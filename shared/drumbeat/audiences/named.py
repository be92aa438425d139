"""An audience by its name, in the configuration in force."""

from drumbeat.core.configuration import Config
from drumbeat.core.errors import NotFound
from drumbeat.core.suggestions import instead
from drumbeat.ledger import configs
from drumbeat.services import Services

SHOWN_CHARACTERS = 64  # of a name that is not known


def in_force(name: str, services: Services) -> Config:
    """Return the configuration in force, which has an audience of that name.

    Raises:
        NotFound: it has none, or nothing was applied yet.
    """
    config = configs.newest(services.db)
    return having(name, config)


def having(name: str, config: Config | None) -> Config:
    """Return a configuration that has an audience of that name. Raises NotFound."""
    if config is None or name not in config.audiences:
        known = config.audiences if config else ()
        raise NotFound(f"there is no audience {name[:SHOWN_CHARACTERS]!r}; {instead(name, known)}. Nothing was changed")
    return config
