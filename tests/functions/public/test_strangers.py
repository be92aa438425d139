"""What anyone can cause at a public door: no query, no Redis but the catalogue's, and a log line a minute."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from drumbeat.ingest.rationing import Ration
from drumbeat.people.tokens import Kind
from functions.ingest import app
from tests.functions.ingest.test_anonymous import Calls
from tests.functions.public.conftest import FORM, PAGE, Site

JUNK = 20
ADDRESS = b"email=ada@example.com"


@pytest.fixture
def calls(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    app.door.cache_clear()
    counted = Calls(monkeypatch)
    yield counted
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("junk", "reads"),
    [
        (
            (
                ("POST", "/v1/forms/made-up", ADDRESS, 404),
                ("POST", "/v1/forms/contact", b"", 422),
                ("POST", "/v1/forms/contact", ADDRESS + b"&shoe=43", 422),
                ("POST", "/v1/forms/contact", ADDRESS + b"&website=x", 422),
                ("POST", "/v1/forms/contact", ADDRESS + b"&_page=x", 422),
                ("POST", "/v1/forms/contact", b"email=ada", 422),
                ("POST", "/v1/forms/contact", b"x" * 100_000, 413),
                ("OPTIONS", "/v1/forms/contact", b"", 403),
                ("GET", "/f/made-up", b"", 404),
                ("GET", "/f/join", b"", 200),
                ("HEAD", "/f/join", b"", 200),
                ("GET", '/f/join"', b"", 404),
            ),
            1,
        ),
        (
            (
                ("GET", "/c/junk", b"", 404),
                ("HEAD", "/c/junk", b"", 404),
                ("POST", "/c/junk", b"_page=x", 404),
                ("GET", "/u/junk", b"", 404),
                ("POST", "/u/junk", b"List-Unsubscribe=One-Click", 404),
                ("POST", "/u/junk", b"x" * 100_000, 404),
                ("POST", "/c/junk", b"x" * 100_000, 413),
                ("GET", "/u/", b"", 404),
                ("POST", '/c/junk"', b"", 404),
            ),
            0,
        ),
    ],
    ids=["forms", "links"],
)
def test_junk_costs_no_query_and_at_most_one_read_of_redis(
    site: Site, calls: Calls, junk: tuple[tuple[str, str, bytes, int], ...], reads: int
) -> None:
    for method, path, body, status in junk:
        app.door.cache_clear()
        calls.redis = 0

        answers = [site.doors.visit(method, path, body, content_type=FORM, accept=PAGE).status for _ in range(JUNK)]

        assert answers == [status] * JUNK
        assert (calls.postgres, calls.redis, calls.secrets) == (0, reads, 0)


def test_a_good_link_is_shown_without_the_ledger(site: Site, calls: Calls) -> None:
    for kind in Kind:
        for method in ("GET", "HEAD"):
            assert site.show(f"/{kind}/{site.token(kind, uuid4())}", method).status == 200

    assert (calls.postgres, calls.redis) == (0, 1)


def test_what_is_too_large_is_refused_before_it_is_decoded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> bytes:
        raise AssertionError("the body was read")

    monkeypatch.setattr("drumbeat.public.visit.bytes_of", read)
    paths = {"/v1/forms/contact": 413, "/c/junk": 413, "/u/junk": 404}
    paths[f"/u/{site.token(Kind.UNSUBSCRIBE, site.mail())}"] = 200  # the body is not needed
    for path, status in paths.items():
        assert site.doors.visit("POST", path, b"x" * 4_000_000, content_type=FORM).status == status


def test_refusals_share_a_line_a_minute_and_name_only_what_is_configured(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.answers, "_refusals", Ration(lambda: 1000.0))
    for number in range(JUNK):
        site.doors.visit("POST", f"/v1/forms/made-up-{number}", ADDRESS, content_type=FORM)
        site.doors.visit("POST", "/v1/forms/contact", b"email=ada", content_type=FORM)
        site.doors.visit("POST", "/v1/forms/contact", b"\xff", content_type=FORM)
        site.doors.visit("GET", f"/c/token-{number}", accept=PAGE)
        site.doors.visit("POST", f"/u/token-{number}", content_type=FORM)

    lines: list[Any] = [record for record in caplog.records if record.message == "refused"]
    assert sorted((line.problem, line.source) for line in lines) == [
        ("form-refused", "contact"),
        ("invalid-request", ""),
        ("not-found", ""),
    ]
