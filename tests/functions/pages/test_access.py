"""Who gets in, who is asked to sign in again, and what a page of another origin can do: nothing."""

from datetime import timedelta

import pytest

from drumbeat.access import sessions
from drumbeat.access import sql as access_sql
from drumbeat.access.keys import ApiKey
from drumbeat.core.clock import SystemClock
from drumbeat.infrastructure.redis import LeanRedis
from drumbeat.ledger import stops
from tests.functions.pages.visitor import HOST, Visitor
from tests.store.rows import waiting

ALL = ("ingest", "read", "operate")


def in_force(visitor: Visitor) -> list[str | None]:
    return [each.account for each in stops.in_force(visitor.services.db)]


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_what_was_asked_for(visitor: Visitor) -> None:
    asked = visitor.get("/accounts?did=paused")
    form = visitor.get(asked.following)
    signed_in = visitor.post("/sign-in", token=None, key=visitor.console.key(*ALL), next="/accounts?did=paused")

    assert (asked.status, asked.location) == (303, "/sign-in?next=%2Faccounts%3Fdid%3Dpaused")
    assert 'value="/accounts?did=paused"' in form.html
    assert (signed_in.status, signed_in.location) == (303, "/accounts?did=paused")
    assert visitor.get(signed_in.following).status == 200


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_signing_in_leads_nowhere_else(visitor: Visitor, path: str) -> None:
    assert visitor.post("/sign-in", token=None, key=visitor.console.key(*ALL), next=path).location == "/"


def test_a_wrong_key_is_refused_in_words_and_many_of_them_for_a_minute(visitor: Visitor) -> None:
    wrong = visitor.post("/sign-in", token=None, key="drumbeat.ada.read.nonsense")
    for _ in range(10):
        last = visitor.post("/sign-in", token=None, key="drumbeat.ada.read.nonsense")

    assert (wrong.status, "not valid here" in wrong.html) == (403, True)
    assert (last.status, "Nothing was changed" in last.html) == (429, True)
    assert not visitor.cookies


def test_the_cookie_is_for_this_host_alone_and_for_no_script(visitor: Visitor) -> None:
    signed_in = visitor.sign_in(*ALL)

    attributes = signed_in.headers["Set-Cookie"].split("; ")[1:]
    assert attributes == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"]


def test_a_session_ends_after_twelve_hours(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    open_page = visitor.get("/").status
    visitor.services.clock = SystemClock(timedelta(hours=12))

    assert (open_page, visitor.get("/").status) == (200, 303)


def test_signing_out_ends_the_session_for_a_copy_of_its_cookie_too(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    copy = dict(visitor.cookies)

    signed_out = visitor.post("/sign-out", token=None)
    visitor.cookies = copy
    with_the_copy = [visitor.get(path).status for path in ("/", "/accounts", "/live")]
    visitor.sign_in(*ALL)

    assert (signed_out.location, with_the_copy) == ("/sign-in", [303, 303, 403])
    assert visitor.get("/").status == 200


def test_while_redis_is_away_signing_out_says_what_it_could_not_end(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    visitor.services.redis.close()
    visitor.services.redis = LeanRedis.at("redis://127.0.0.1:1", "")

    signed_out = visitor.post("/sign-out", token=None)

    assert (signed_out.status, "Redis did not note it" in signed_out.html, visitor.cookies["drumbeat"]) == (
        200,
        True,
        "",
    )


def test_what_was_done_is_said_by_the_page_that_follows_for_a_minute_and_by_no_other_address(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    other = Visitor(visitor.services)
    other.sign_in(*ALL, id="bob")
    stopped = visitor.post("/stop", reason="x")

    said = [visitor.get(stopped.following), visitor.get("/?did=stopped"), other.get(stopped.following)]
    said.append(visitor.get(stopped.following.replace("stopped", "resumed")))
    said.append(visitor.get("/?did=stopped&mark=9999999999999.x"))
    visitor.services.clock = SystemClock(timedelta(minutes=1))
    said.append(visitor.get(stopped.following))

    assert ['role="status"' in each.html for each in said] == [True, False, False, False, False, False]


def test_a_revoked_keys_session_ends_at_its_next_page(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    token = visitor.get("/").token
    access_sql.revoke(visitor.services.db, "ada", actor="test")

    assert visitor.post("/stop", token=token, reason="x").location == "/sign-in"
    assert visitor.get("/").status == 303
    assert in_force(visitor) == []


def test_what_was_altered_is_no_session(visitor: Visitor) -> None:
    visitor.sign_in("read")
    (name, value), *_ = visitor.cookies.items()
    said, _, tag = value.partition(".")
    for forged in (value[:-2], f"{said}x.{tag}", f".{tag}", "", "é", f"{said}.", "null." + tag):
        visitor.cookies[name] = forged
        assert visitor.get("/").status == 303


def test_a_form_without_its_sessions_token_changes_nothing(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    other = Visitor(visitor.services)
    other.sign_in(*ALL, id="bob")

    answers = [visitor.post("/stop", token=token, reason="x") for token in (None, "x", "é", other.get("/").token)]

    assert {answer.status for answer in answers} == {403}
    assert all("Nothing was changed" in answer.html for answer in answers)
    assert in_force(visitor) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_origin_changes_nothing_and_signs_no_one_in_or_out(
    visitor: Visitor, headers: dict[str, str]
) -> None:
    visitor.sign_in(*ALL)
    before = dict(visitor.cookies)

    changed = visitor.post("/stop", headers=headers, reason="x")
    signed_in = visitor.post("/sign-in", token=None, headers=headers, key=visitor.console.key(*ALL, id="eve"))
    signed_out = visitor.post("/sign-out", token=None, headers=headers)

    assert [each.status for each in (changed, signed_in, signed_out)] == [403, 403, 403]
    assert (in_force(visitor), visitor.cookies) == ([], before)


def test_no_page_may_be_framed_or_run_what_is_not_ours(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)

    for path in ("/", "/accounts", "/nowhere"):
        headers = visitor.get(path).headers
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_a_key_that_may_only_read_is_offered_and_allowed_no_change(visitor: Visitor) -> None:
    waiting(visitor.services.db)
    visitor.sign_in("read")
    session = sessions.read(visitor.cookies["drumbeat"], visitor.services.key_secret, visitor.services.clock.now())
    assert session is not None
    token = sessions.form_token(session, visitor.services.key_secret)

    pages = [visitor.get(path).html for path in ("/", "/accounts")]
    answers = [visitor.post(path, token=token, reason="x") for path in ("/stop", "/go-on", "/accounts/mail/pause")]

    assert not any("Why" in html or 'name="token"' in html for html in pages)
    assert {answer.status for answer in answers} == {403}
    assert in_force(visitor) == []


def test_a_link_signs_in_once_and_for_a_minute(visitor: Visitor) -> None:
    _, made, _ = visitor.console.call("POST", "/v1/console/links")
    first, second = visitor.get(made["path"]), Visitor(visitor.services).get(made["path"])
    _, late, _ = visitor.console.call("POST", "/v1/console/links")
    visitor.services.clock = SystemClock(timedelta(seconds=61))

    assert (first.status, first.location) == (303, "/")
    assert (second.status, "was used" in second.html) == (403, True)
    assert Visitor(visitor.services).get(late["path"]).status == 403


def test_a_link_is_no_session_and_a_session_no_link(visitor: Visitor) -> None:
    key, now = ApiKey("ada", frozenset({"read"})), visitor.services.clock.now()
    link = sessions.link(key, b"secret", now)
    session = sessions.written(sessions.begin(key, now), b"secret")

    assert sessions.read(link, b"secret", now) is None
    assert sessions.of_link(session, b"secret", now) is None


def test_who_stopped_what_and_why_is_in_the_journal_with_the_name_of_the_key(visitor: Visitor) -> None:
    waiting(visitor.services.db)
    visitor.sign_in(*ALL)

    stopped = visitor.post("/stop", reason="the price is wrong")
    shown = visitor.get("/").html
    resumed = visitor.post("/go-on", reason="corrected")

    assert (stopped.location, resumed.location) == ("/?did=stopped", "/?did=resumed")
    assert "Everything is stopped" in shown and "the price is wrong" in shown and "person:ada" in shown
    lines = [
        (each.stopped, each.reason, each.actor) for each in stops.journal(visitor.services.db, before=None, limit=9)
    ]
    assert lines == [(False, "corrected", "person:ada"), (True, "the price is wrong", "person:ada")]


def test_a_form_of_another_host_is_refused_whatever_its_token(visitor: Visitor) -> None:
    visitor.sign_in(*ALL)
    token = visitor.get("/").token

    rebound = visitor.post(
        "/stop", token=token, headers={"host": "rebound.example", "origin": f"https://{HOST}"}, reason="x"
    )

    assert rebound.status == 403
