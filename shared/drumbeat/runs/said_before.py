"""Whether the mails of a run say what those of the run before it said: then a person is asked first."""

from drumbeat.planning.run_content import content_hash
from drumbeat.runs import sql
from drumbeat.runs.sql import LastSent, Run
from drumbeat.services import Services


def said_before(run: Run, services: Services) -> LastSent | None:
    """Return the campaign's run before, if its mails said the same, or those that people got who were sent to again."""
    last = sql.last_sent(services.db, run)
    return last if last is not None and says_the_same(run, last, services) else None


def says_the_same(run: Run, last: LastSent, services: Services) -> bool:
    """Whether the mails of a run say what those of the run before it said."""
    return last.content == run.content or any(_content(run, each, services) == run.content for each in last.again_by)


def _content(run: Run, version: int, services: Services) -> bytes | None:
    config = services.configuration(version).by(run.semantics)
    return content_hash(config, run.campaign) if run.campaign in config.campaigns else None
