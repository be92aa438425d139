"""`/v1/audiences`: which there are, who is in one, and why a person is or is not.

What builds their statements is loaded by the first of these requests: no other needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from drumbeat.api.access import READ, READ_PEOPLE
from drumbeat.api.leads import named
from drumbeat.api.query import Listed, Query, Whole
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.errors import Invalid
from drumbeat.ledger import configs
from drumbeat.services import services

if TYPE_CHECKING:
    from drumbeat.audiences.explaining import Explained
    from drumbeat.audiences.showing import Shown

MOST_SAMPLED = 100
SAMPLED = 20

router = ApiRoutes()


@dataclass(frozen=True, slots=True)
class Audience:
    """One audience, as it is written."""

    name: str
    condition: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Audiences:
    """The audiences of the configuration in force."""

    version: int | None  # of that configuration; None: there is none
    items: list[Audience]


class Sampling(Query):
    """How much of an audience is shown."""

    sample: Annotated[int, Whole("sample", 0, MOST_SAMPLED), Field(description="how many of its people")] = SAMPLED


class WhoAsked(Query):
    """Whom an audience is explained for."""

    lead: Annotated[str, Field(description="an address or id; has to be there")] | None = None


@router.get("/v1/audiences", middlewares=READ)
def list_audiences(_: Listed) -> Answer[Audiences]:
    """List the audiences of the configuration in force, with what they say."""
    from drumbeat.audiences.wording import written

    config = configs.newest(services().db)
    audiences = config.audiences if config else {}
    items = [Audience(name, written(tree)) for name, tree in sorted(audiences.items())]
    return reply(Audiences(config.version if config else None, items))


@router.get("/v1/audiences/<name>", middlewares=READ)
def show_audience(name: str, query: Sampling) -> "Answer[Shown]":
    """Count an audience now, and show some of its people."""
    from drumbeat.audiences.showing import show

    return reply(show(name, services(), sample=query.sample))


@router.get("/v1/audiences/<name>/explain", middlewares=READ_PEOPLE)
def explain_audience(name: str, query: WhoAsked) -> "Answer[Explained]":
    """Explain an audience for one person, by address or id."""
    from drumbeat.audiences.explaining import explain

    if query.lead is None:
        raise Invalid("say for whom, by address or id: lead=ada@example.com")
    id, keys = named(query.lead)
    return reply(explain(name, services(), keys=keys, id=id))
