"""What a route's signature says is what its handler is given."""

import json
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

from drumbeat.api.query import Id, Instant, Paged, Whole, Word
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes, refuses
from drumbeat.core.errors import Invalid, Stale


class Filter(Paged):
    """Parameters of each kind."""

    id: Id | None = None
    since: Instant | None = None
    colour: Annotated[str, Word("colour", "red", "blue")] = "red"
    most: Annotated[int, Whole("most", 0, 10)] = 5


class Body(BaseModel):
    """A body."""

    reason: str


def asked(routes: ApiRoutes, method: str, path: str, body: object = None, **query: str) -> Any:
    """Return what the handler of a request got, as its answer says it."""
    app = APIGatewayHttpResolver()
    app.include_router(routes)
    event = {
        "version": "2.0",
        "rawPath": path,
        "headers": {},
        "queryStringParameters": query or None,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in query.items()),
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": json.dumps(body) if body is not None else None,
    }
    return json.loads(app.resolve(event, None)["body"])  # type: ignore[arg-type]


@pytest.fixture
def routes() -> ApiRoutes:
    routes = ApiRoutes()

    @routes.get("/things")
    def list_things(query: Filter) -> Answer[dict[str, object]]:
        return reply(query.model_dump())

    @routes.get("/things/<id>")
    def show_thing(id: UUID) -> Answer[dict[str, object]]:
        return reply({"id": id})

    @routes.post("/things/<name>")
    @refuses(Stale)
    def change_thing(name: str, request: Body | None) -> Answer[dict[str, object]]:
        return reply({"name": name, "reason": request.reason if request else None})

    return routes


def test_parameters_are_read_by_their_kinds_and_absent_ones_have_their_defaults(routes: ApiRoutes) -> None:
    id = uuid4()

    some = asked(routes, "GET", "/things", id=id.hex, since="2026-01-01T00:00:00", colour="blue", most="0", cursor="")
    none = asked(routes, "GET", "/things")

    assert (some["id"], some["since"], some["colour"], some["most"]) == (str(id), "2026-01-01T00:00:00.000Z", "blue", 0)
    assert some["cursor"] is None
    assert none == {
        "id": None,
        "since": None,
        "colour": "red",
        "most": 5,
        "cursor": None,
        "limit": 50,
        "format": "json",
    }


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"colour": "green"}, "colour is one of red, blue"),
        ({"most": "11"}, "most goes from 0 to 10"),
        ({"most": "-1"}, "most goes from 0 to 10"),
        ({"limit": "201"}, "limit goes from 1 to 200"),
        ({"id": "x"}, "'x' is not an id"),
        ({"since": "now"}, "'now' is not an instant"),
        ({"colr": "red"}, "unknown parameter colr; known are colour, cursor, format, id, limit, most, since"),
    ],
)
def test_what_is_no_value_of_a_parameter_is_named(routes: ApiRoutes, query: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        asked(routes, "GET", "/things", **query)


def test_a_route_that_declares_no_parameter_takes_none(routes: ApiRoutes) -> None:
    with pytest.raises(Invalid, match="unknown parameter limit; known are none"):
        asked(routes, "GET", f"/things/{uuid4()}", limit="1")


def test_an_id_in_a_path_is_an_id_and_a_name_is_as_it_is_written(routes: ApiRoutes) -> None:
    id = uuid4()

    assert asked(routes, "GET", f"/things/{id}") == {"id": str(id)}
    with pytest.raises(Invalid, match="'ada' is not an id"):
        asked(routes, "GET", "/things/ada")
    assert asked(routes, "POST", "/things/ada")["name"] == "ada"


@pytest.mark.parametrize("form", ["{{{}}}", "urn:uuid:{}", "{}-", "-{}", " {}"])
def test_other_ways_to_write_an_id_are_none(routes: ApiRoutes, form: str) -> None:
    with pytest.raises(Invalid, match="is not an id"):
        asked(routes, "GET", "/things", id=form.format(uuid4()))


def test_a_body_that_may_be_absent_is_read_strictly_when_it_is_there(routes: ApiRoutes) -> None:
    assert asked(routes, "POST", "/things/ada") == {"name": "ada", "reason": None}
    assert asked(routes, "POST", "/things/ada", {"reason": "so"}) == {"name": "ada", "reason": "so"}
    with pytest.raises(Invalid, match="reason: has to be text"):
        asked(routes, "POST", "/things/ada", {"reason": 1})


def test_a_route_keeps_what_it_declares(routes: ApiRoutes) -> None:
    listed, _, changed = routes.declared

    assert (listed.method, listed.rule, listed.needed) == ("GET", "/things", None)
    assert (changed.method, changed.refuses) == ("POST", (Stale,))
