"""What a run does, by the version of the configuration that planned it; an edit since changes nothing of it."""

from drumbeat.core.campaigns import Campaign
from drumbeat.core.configuration import Config
from drumbeat.runs.sql import Run
from drumbeat.services import Services


def configured(run: Run, services: Services) -> tuple[Config, Campaign]:
    """Return the version that planned a run, and its campaign there.

    Raises:
        NotUnderstood: a later release planned it.
    """
    config = services.configuration(run.version).by(run.semantics)
    return config, config.campaigns[run.campaign]
