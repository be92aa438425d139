"""A path of `call` stays below the account's base URL, whatever the servers on its way make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.planning.paths import flaw
from drumbeat.planning.plan import plan
from tests.unit.configuration.samples import config, event

OUT = [
    "..",
    "/a/../b",
    "/a/./b",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/a%2f../admin",
    "/a%2f..%2fadmin",
    "/a%2F%2E%2E%2Fadmin",
    "/a/..;/admin",
    "/a/..;x=1/admin",
    "/a/..%3b/admin",
    "/a/..%00",
    "/a/..%00.html",
    "/a/x%00",
    "/a/x%0d%0aHost: evil",
    "/a\\..\\admin",
    "/a%5c..%5cadmin",
    "/a/%252e%252e/admin",
    "/a%252f..%252fadmin",
    "/a/%25252e%25252e/admin",
    "/a/%c0%ae%c0%ae/admin",
    "/a/..%c0%afadmin",
    "/a/%e0%80%ae./admin",
    "/a/%u002e%u002e/admin",
    "/a/.. /admin",
    "/a/..%20/admin",
    "/a/\uff0e\uff0e/admin",
    "/a/..\uff0fadmin",
    "/a/\u2025/admin",
    "/a/%" + "25" * 9 + "2e",
    "/a/%25252525252e%25252525252e/admin",
]
IN = [
    "",
    "/",
    "/a/b",
    "/a/b.html",
    "/a/.well-known/x",
    "/a/...",
    "/a/..b",
    "/a/1%2F2",
    "/a/100%25",
    "/a/caf%C3%A9",
    "/a?next=../x",
    "/a?url=https%3A%2F%2Fx.example%2F..%2Fy",
    "/a#../x",
    "/a/b;v=1.2",
    "/a/ada@example.com",
]


@pytest.mark.parametrize("path", OUT)
def test_what_some_server_reads_as_another_place_leads_out(path: str) -> None:
    assert flaw(path)


@pytest.mark.parametrize("path", IN)
def test_what_every_server_reads_below_it_does_not(path: str) -> None:
    assert flaw(path) is None


@given(st.text(), st.sampled_from(["..", "%2e%2e", "..;", "%252e%252e", ".%c0%ae"]), st.sampled_from("/\\"))
def test_no_text_around_a_step_up_hides_it(around: str, step: str, separator: str) -> None:
    before = around.replace("?", "").replace("#", "")

    assert flaw(f"{before}{separator}{step}{separator}{around}")


STEP = "  f: {on: LEAD_CAPTURE, steps: [{id: s, account: site, action: call, with: {method: POST, path: PATH}}]}"


def target(path: str, payload: dict[str, object], semantics: int = 3) -> str:
    planned = plan(event(payload), config(STEP.replace("PATH", f'"{path}"')).by(semantics))
    return planned.failed["f"] if planned.failed else planned.effects[0].target


@pytest.mark.parametrize("id", ["a%2f../admin", "..;/admin", "..%00", "%252e%252e", "..\\admin"])
def test_an_event_cannot_lead_out_and_could_by_the_rules_before(id: str) -> None:
    assert target("/leads/{{ payload.id }}", {"id": id}).startswith("step s: path holds a ")
    assert id == "..\\admin" or target("/leads/{{ payload.id }}", {"id": id}, 2) == f"POST /leads/{id}"


@pytest.mark.parametrize(
    ("id", "held"),
    [
        ("..", "a . or .. of its own"),
        ("a\nb", "a control character"),
        ("a%00", "a control character"),
        ("%" + "25" * 9, "a text that is encoded too often"),
    ],
)
def test_the_reason_names_what_the_path_holds(id: str, held: str) -> None:
    assert f"path holds {held};" in target("/leads/{{ payload.id | urlencode }}", {"id": id})


@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("/leads/{{ payload.id }}", {"id": None}),
        ("/leads/{{ payload.id }}", {"id": ""}),
        ("/leads/{{ payload.id | urlencode }}", {"id": None}),
        ("/leads/{{ payload.id }}/orders", {"id": " "}),
        ("/{{ payload.id }}/reset", {"id": None}),
        ("{{ payload.id }}", {"id": ""}),
        ("/{{ payload.id }}?x=1", {"id": ""}),
        ("/leads/{{ payload.id }}?x=1", {"id": ""}),
        *(
            (f"/leads/{{{{ payload.id{filter} }}}}{rest}", {"id": blank})
            for filter in ("", " | urlencode", " | urlencode | urlencode")
            for rest in ("", "/orders", "?x=1")
            for blank in ("  ", "\u00a0", "\u3000", "%20", "%C2%A0", "%2520", "%2F", "%5c", " ;v=1", "%20%3Bv")
        ),
        ("{{ payload.id | urlencode }}", {"id": "%2f "}),
    ],
)
def test_what_is_empty_makes_no_other_path(path: str, payload: dict[str, object]) -> None:
    assert "path has an empty part" in target(path, payload)


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        ("/leads/", {}, "/leads/"),
        ("/leads/{{ payload.id }}/", {"id": 7}, "/leads/7/"),
        ("/?q={{ payload.q }}", {"q": ""}, "/?q="),
        ("/leads?q={{ payload.q }}&r=1", {"q": None}, "/leads?q=&r=1"),
        ("{{ payload.path }}", {"path": "/a/b/"}, "/a/b/"),
        ("/a{% if payload.b is defined %}/{{ payload.b }}{% endif %}", {}, "/a"),
        ("/leads/{{ payload.id | default('new', true) }}", {"id": None}, "/leads/new"),
        ("/a%20/%20/{{ payload.id }}", {"id": "a b"}, "/a%20/%20/a b"),
        ("/open/{{ payload.url | replace('/', '%2F') }}", {"url": "x://y//"}, "/open/x:%2F%2Fy%2F%2F"),
        ("/leads/{{ payload.id | urlencode }}", {"id": "100%"}, "/leads/100%25"),
    ],
)
def test_what_is_meant_to_be_empty_may_be(path: str, payload: dict[str, object], expected: str) -> None:
    assert target(path, payload) == f"POST {expected}"
