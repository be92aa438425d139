"""Forms: what becomes an event, what is refused and how it is named, for browsers and for programs."""

import hashlib
import json
from typing import Any
from uuid import UUID

import pytest

from tests.functions.doors import make_unreachable
from tests.functions.ingest.test_outages import drained, no_redis
from tests.functions.public.conftest import FORM, Site, stamp

ADA = {"email": "ada@example.com", "name": "Ada"}
BOUNDARY = "----x9"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(*fields: tuple[str, bytes], more: str = "") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in fields
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


# ---------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"email=ada%40example.com&name=Ada"),
        (f"{FORM}; charset=UTF-8", b"email=ada%40example.com&name=Ada"),
        (MULTIPART, multipart(("email", b"ada@example.com"), ("name", b"Ada"))),
        ("application/json", json.dumps(ADA).encode()),
    ],
    ids=["urlencoded", "with a charset", "multipart", "JSON"],
)
def test_a_form_in_every_encoding_is_the_same_event(site: Site, kind: str, body: bytes) -> None:
    first = site.doors.visit("POST", "/v1/forms/contact", body, content_type=kind)
    again = site.send("contact", ADA)

    assert (first.status, first.body["status"]) == (202, "recorded")
    assert (again.status, again.body["eventId"]) == (200, first.body["eventId"])
    assert again.headers["idempotent-replayed"] == "true"
    (event,) = site.doors.events()
    assert (event["source"], event["type"], event["door"]) == ("contact", "LEAD_CAPTURE", "form")
    assert json.loads(event["body"])["payload"] == ADA
    assert "example" not in event["key"]


def test_a_field_that_is_left_out_is_empty_and_an_address_has_its_one_spelling(site: Site) -> None:
    site.send("contact", {"email": " Ada <ada@EXAMPLE.com> "})

    assert site.bodies("contact")[0]["payload"] == {"email": "ada@example.com", "name": ""}


def test_a_form_without_a_list_says_nothing_of_consent(site: Site) -> None:
    site.send("contact", ADA, referer="https://shop.example/contact?mail=ada@example.com#top")

    (body,) = site.bodies("contact")
    assert body["consent"] == []
    assert body["evidence"] == {"form": "https://shop.example/contact", "locale": "en"}


def test_a_sign_up_keeps_the_words_that_were_agreed_to(site: Site) -> None:
    site.send("news", ADA, origin="https://shop.example", referer="https://shop.example/")

    (event,) = site.doors.events()
    body = json.loads(event["body"])
    text = "I want to get “Monday notes” by e-mail: What we shipped, each Monday. I can unsubscribe at any time."
    assert event["type"] == "LEAD_CAPTURE"
    assert body["consent"] == [{"list": "news", "kind": "given"}]
    assert body["evidence"] == {
        "form": "https://shop.example/",
        "origin": "https://shop.example",
        "locale": "en",
        "text": text,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "version": 1,
        "ip": "127.0.0.0/24",
    }
    assert text in site.show("/f/news").body


def test_a_list_that_asks_to_confirm_makes_a_pending_event_only(site: Site) -> None:
    site.send("join", ADA)

    (event,) = site.doors.events()
    assert (event["type"], event["door"]) == ("CONSENT", "form")
    assert json.loads(event["body"])["consent"] == [{"list": "club", "kind": "pending"}]


def test_posted_fifty_times_at_once_it_is_one_event(site: Site) -> None:
    shown = stamp(site.show("/f/join"))
    site.clock.move(seconds=3)

    # The handler serves one request at a time, as Lambda does; the ledger decides among processes.
    answers = [site.send("join", ADA | {"_page": shown}) for _ in range(50)]

    assert len({answer.body["eventId"] for answer in answers}) == 1
    assert sorted(answer.status for answer in answers) == [200] * 49 + [202]
    assert len(site.doors.events()) == 1


def test_two_pages_are_two_posts_and_what_a_person_corrects_is_another(site: Site) -> None:
    pages = [stamp(site.show("/f/contact")) for _ in range(2)]
    site.clock.move(seconds=3)

    for fields in ({"_page": pages[0]}, {"_page": pages[1]}, {"_page": pages[1], "name": "Ada L."}):
        assert site.send("contact", ADA | fields).status == 202

    assert len(site.doors.events()) == 3


def test_without_a_page_the_same_fields_are_another_post_later(site: Site) -> None:
    site.send("contact", ADA)
    site.clock.move(minutes=11)
    site.send("contact", ADA)

    assert len(site.doors.events()) == 2


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([("email", "ada@example.com"), ("shoe", "43"), ("hat", "x")], ["shoe is no field", "hat is no field"]),
        ([("name", "Ada")], ["email is missing"]),
        ([("email", "  ")], ["email is missing"]),
        ([("email", "ada@example.com"), ("email", "bob@example.com")], ["email came more than once"]),
        ([("email", "ada@example")], ["email is no e-mail address"]),
        ([("email", "ada@example.com, bob@example.com")], ["email is no e-mail address"]),
        ([("email", "ada@shop.invalid")], ["email is no e-mail address"]),
        ([("email", "ada@example.com"), ("website", "http://x")], ["website is a field that people do not see"]),
        ([("email", "ada@example.com"), ("_page", "junk")], ["_page is not of a page"]),
    ],
    ids=["unknown", "missing", "blank", "repeated", "no domain", "two", "unreachable", "honeypot", "no page of ours"],
)
def test_fields_that_are_wrong_are_named(site: Site, fields: list[tuple[str, str]], said: list[str]) -> None:
    answer = site.send("contact", fields)

    assert (answer.status, answer.body["type"]) == (422, "urn:drumbeat:problem:form-refused")
    assert [words for words in said if words not in answer.body["detail"]] == []
    assert site.doors.events() == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (FORM, b"email=ada%FF%40example.com", 400),
        (FORM, b"email=ada@example.com&name=\xff", 400),
        (FORM, b"email=ada@example.com&name=%00", 400),
        (FORM, b"&".join(b"a%d=1" % number for number in range(300)), 400),
        (f"{FORM}; charset=iso-8859-1", b"email=ada@example.com", 400),
        (MULTIPART, multipart(("email", b"ada@example.com"), ("name", b"\xff\xfe")), 400),
        (MULTIPART, multipart(("email", b"ada@example.com"))[:-6], 400),
        ("multipart/form-data", multipart(("email", b"ada@example.com")), 400),
        (MULTIPART, multipart(("name", b"\xff\xd8"), more='; filename="a.jpg"'), 422),
        ("application/json", b'{"email": "ada@example.com"', 400),
        ("application/json", b'["ada@example.com"]', 400),
        ("application/json", b'[["email", "ada@example.com"]]', 400),
        ("application/json", b'{"email": "ada@example.com", "name": {"first": "Ada"}}', 422),
        ("application/json", b'{"email": "ada@example.com", "email": "bob@example.com"}', 422),
        ("application/json", b'{"email": "ada@example.com", "name": 1e999}', 400),
        ("text/plain", b"email=ada@example.com", 400),
        ("", b"email=ada@example.com", 400),
        (FORM, b"", 422),
        (FORM, b"email=ada@example.com&name=" + b"x" * 65_536, 413),
        (FORM, b"x" * 5_000_000, 413),
    ],
)
def test_what_cannot_be_read_is_answered_and_costs_no_query(site: Site, kind: str, body: bytes, status: int) -> None:
    make_unreachable(site.doors.services)

    answer = site.doors.visit("POST", "/v1/forms/contact", body, content_type=kind)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert "Nothing was stored" in answer.body["detail"]


def test_json_whose_bytes_were_lost_on_the_way_is_not_stored(site: Site) -> None:
    """API Gateway passes text as text: what is not UTF-8 has become U+FFFD, and only the length tells."""
    latin = '{"email": "ada@example.com", "name": "José"}'.encode("latin-1")
    typed = '{"email": "ada@example.com", "name": "\ufffd"}'.encode()

    damaged, good = (
        site.doors.visit("POST", "/v1/forms/contact", body, content_type="application/json", content_length=length)
        for body, length in ((latin, str(len(latin))), (typed, str(len(typed))))
    )

    assert (damaged.status, damaged.body["detail"]) == (
        400,
        "The body is not UTF-8. Nothing was stored; correct it and send it again.",
    )
    assert good.status == 202
    assert [body["payload"]["name"] for body in site.bodies("contact")] == ["\ufffd"]


def test_a_page_posted_faster_than_a_person_or_left_open_for_days_is_shown_again(site: Site) -> None:
    shown = stamp(site.show("/f/join"))
    fast = site.press("/v1/forms/join", ADA | {"_page": shown})
    site.clock.move(hours=25)
    old = site.press("/v1/forms/join", ADA | {"_page": shown})
    site.clock.move(seconds=3)
    good = site.press("/v1/forms/join", ADA | {"_page": stamp(old)})

    assert (fast.status, old.status, good.status) == (422, 422, 200)
    assert "faster than a person" in fast.body
    assert 'value="ada@example.com"' in old.body
    assert len(site.doors.events()) == 1


def test_a_stamp_is_good_for_its_own_form_only(site: Site) -> None:
    shown = stamp(site.show("/f/contact"))
    site.clock.move(seconds=3)
    altered = shown[:20] + ("A" if shown[20] != "A" else "B") + shown[21:]

    assert site.send("join", ADA | {"_page": shown}).status == 422
    assert site.send("contact", ADA | {"_page": altered}).status == 422
    assert site.send("contact", ADA | {"_page": shown}).status == 202


def test_one_address_is_taken_ten_times_an_hour_and_a_repeat_counts_nothing(site: Site) -> None:
    many = [site.send("contact", ADA | {"name": f"Ada {number}"}) for number in range(11)]
    repeat = site.send("contact", ADA | {"name": "Ada 0"})
    upper = site.send("contact", {"email": "ADA@example.com", "name": "Ada 12"})
    other = site.send("contact", {"email": "bob@example.com"})

    assert [answer.status for answer in many] == [202] * 10 + [429]
    assert 0 < int(many[-1].headers["retry-after"]) <= 3600
    assert (repeat.status, upper.status, other.status) == (200, 429, 202)


def test_a_post_that_ended_after_it_was_counted_is_taken_again_and_counts_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise RuntimeError("the process ended")

    with monkeypatch.context() as patch:
        patch.setattr("drumbeat.public.forms.recording.record", end)
        lost = site.send("contact", ADA)
    taken = site.send("contact", ADA)

    (counted,) = site.doors.redis.keys("*{forms}*")
    assert (lost.status, taken.status) == (500, 202)
    assert site.doors.redis.scard(counted) == 1
    assert b"example" not in counted


def test_while_redis_is_away_posts_are_let_through(site: Site) -> None:
    no_redis(site.doors)

    answers = [site.send("contact", ADA | {"name": f"Ada {number}"}).status for number in range(12)]

    assert answers == [202] * 12


# ---------------------------------------------------------------- answers


def test_a_browser_goes_on_to_the_configured_page_or_sees_ours(site: Site) -> None:
    gone_on = site.press("/v1/forms/news", ADA)
    shown = [site.press(f"/v1/forms/{form}", ADA) for form in ("contact", "join", "mitmachen")]

    assert (gone_on.status, gone_on.headers["location"]) == (303, "https://shop.example/thanks")
    assert [page.status for page in shown] == [200] * 3
    texts = ("It has arrived", "We sent you a mail", "Wir haben Ihnen eine Mail")
    assert [text in page.body for page, text in zip(shown, texts, strict=True)] == [True] * 3


def test_a_browser_sees_what_was_refused_as_a_page(site: Site) -> None:
    flawed = site.press("/v1/forms/join", {"email": '"><b>', "shoe": "43"})
    large = site.press("/v1/forms/join", {"email": "x" * 70_000})
    unknown = site.press("/v1/forms/made-up", {}, accept_language="de")

    assert (flawed.status, large.status, unknown.status) == (422, 413, 404)
    assert all(page.headers["content-type"] == "text/html; charset=utf-8" for page in (flawed, large, unknown))
    assert "&#34;&gt;&lt;b&gt;" in flawed.body
    assert "<b>" not in flawed.body
    assert "Dieses Formular gibt es nicht" in unknown.body


def test_scripts_of_named_pages_may_post_and_read_the_answer(site: Site) -> None:
    ours, theirs = "https://shop.example", "https://evil.example"
    asked = site.doors.visit("OPTIONS", "/v1/forms/contact", origin=ours)
    refused = site.doors.visit("OPTIONS", "/v1/forms/contact", origin=theirs)
    answers: list[Any] = [site.send("contact", ADA, origin=origin) for origin in (ours, theirs)]
    flawed = site.send("contact", {}, origin=ours)

    assert (asked.status, asked.headers["access-control-allow-origin"]) == (204, ours)
    assert (asked.headers["access-control-allow-methods"], asked.headers["vary"]) == ("POST", "Origin")
    assert refused.status == 403
    assert [answer.headers.get("access-control-allow-origin") for answer in answers] == [ours, None]
    assert flawed.headers["access-control-allow-origin"] == ours


def test_while_postgres_is_away_a_form_is_shown_taken_and_recorded_later(site: Site) -> None:
    site.show("/f/join")
    make_unreachable(site.doors.services)

    shown = site.show("/f/join")
    site.clock.move(seconds=3)
    program = site.send("contact", ADA)
    person = site.press("/v1/forms/join", ADA | {"_page": stamp(shown)})

    assert (shown.status, program.status, program.body["status"], person.status) == (200, 202, "buffered", 200)
    assert drained(site.doors) == 2
    assert {event["type"] for event in site.doors.events()} == {"LEAD_CAPTURE", "CONSENT"}
    assert UUID(program.body["eventId"]) in {event["id"] for event in site.doors.events()}


def test_where_nothing_can_keep_it_a_person_is_asked_to_try_again(site: Site) -> None:
    site.show("/f/join")
    make_unreachable(site.doors.services)
    site.doors.services.buffer.url = "http://127.0.0.1:1/buffer"

    page = site.press("/v1/forms/join", ADA)

    assert page.status == 503
    assert "Nothing was stored" in page.body


def test_a_forms_page_is_for_people_and_screen_readers_and_runs_nothing(site: Site) -> None:
    page = site.show("/f/mitmachen")

    assert page.status == 200
    assert '<html lang="de">' in page.body
    assert '<label for="field-1">E-Mail-Adresse</label>' in page.body
    assert 'name="email" type="email"' in page.body
    assert "<script" not in page.body
    assert '<form method="post" action="../v1/forms/mitmachen">' in page.body
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'; " in policy
    assert "form-action 'self' https://shop.example;" in site.show("/f/news").headers["content-security-policy"]
    headers = ("referrer-policy", "cache-control", "x-robots-tag")
    assert [page.headers[name] for name in headers] == ["no-referrer", "no-store", "noindex"]
    assert "set-cookie" not in page.headers


def test_another_source_is_no_form_and_a_form_no_webhook(site: Site) -> None:
    site.doors.configure(code={"scheme": "github", "secrets": ["env:SESAME"]}, contact={"door": "form", "scheme": ""})

    assert site.show("/f/code").status == 404
    assert site.send("code", ADA).status == 404
    assert site.doors.post("/v1/webhooks/contact", b"{}", key=None).status == 404


@pytest.mark.parametrize(("path", "status"), [("/f/join", 200), ("/f/made-up", 404), ('/f/join"', 404), ("/f/", 404)])
def test_the_head_of_a_page_is_what_it_is_without_its_body(site: Site, path: str, status: int) -> None:
    page, head = site.show(path), site.show(path, "HEAD")

    assert (page.status, head.status) == (status, status)
    assert (page.headers["content-type"], head.headers["content-type"]) == ("text/html; charset=utf-8",) * 2
    assert "<h1>" in page.body
    assert head.body == ""
