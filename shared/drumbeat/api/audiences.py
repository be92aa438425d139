"""`/v1/audiences`: which there are, who is in one, and why a person is or is not.

What builds their statements is loaded by the first of these requests: no other needs it.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from drumbeat.api.access import READ, READ_PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.query import listing, number, query
from drumbeat.api.response import reply
from drumbeat.api.routing import Routes
from drumbeat.core.errors import Invalid
from drumbeat.ledger import configs
from drumbeat.services import services

MOST_SAMPLED = 100
SAMPLED = 20

router = Routes()


@router.get("/v1/audiences", middlewares=READ)
def list_audiences() -> Response[Any]:
    """List the audiences of the configuration in force, with what they say."""
    from drumbeat.audiences.wording import written

    listing(router)
    config = configs.newest(services().db)
    audiences = config.audiences if config else {}
    items = [{"name": name, "condition": written(tree)} for name, tree in sorted(audiences.items())]
    return reply({"version": config.version if config else None, "items": items})


@router.get("/v1/audiences/<name>", middlewares=READ)
def show_audience(name: str) -> Response[Any]:
    """Count an audience now, and show some of its people."""
    from drumbeat.audiences.showing import show

    parameters = query(router, "sample")
    return reply(show(name, services(), sample=_sample(parameters)))


@router.get("/v1/audiences/<name>/explain", middlewares=READ_PEOPLE)
def explain_audience(name: str) -> Response[Any]:
    """Explain an audience for one person, by address or id."""
    from drumbeat.audiences.explaining import explain

    parameters = query(router, "lead")
    if "lead" not in parameters:
        raise Invalid("say for whom, by address or id: lead=ada@example.com")
    id, keys = named(parameters["lead"])
    return reply(explain(name, services(), keys=keys, id=id))


def _sample(parameters: Mapping[str, str]) -> int:
    return number(parameters.get("sample", str(SAMPLED)), least=0, most=MOST_SAMPLED, name="sample")
