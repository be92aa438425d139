"""Each fault: what the caller sees, and what the record says really happened."""

import http.client
from email.utils import parsedate_to_datetime

import pytest

from tests.unit.sandbox.sandbox_process import SandboxProcess, basic


@pytest.mark.point(39)
def test_accept_then_500_does_the_work(sandbox: SandboxProcess) -> None:
    sandbox.inject("accept_then_500", status=502)

    assert sandbox.mailgun("l-1").status == 502
    assert _really(sandbox, "l-1") == [("accepted", 502, "accept_then_500")]


@pytest.mark.point(37)
def test_accept_then_cut_does_the_work_and_answers_no_byte(sandbox: SandboxProcess) -> None:
    sandbox.inject("accept_then_cut")

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        sandbox.mailgun("l-2")

    assert _really(sandbox, "l-2") == [("accepted", None, "accept_then_cut")]


@pytest.mark.point(37)
def test_accept_then_hang_does_the_work_and_outlasts_the_caller(sandbox: SandboxProcess) -> None:
    sandbox.inject("accept_then_hang", seconds=60)

    with pytest.raises(TimeoutError):
        sandbox.with_timeout(0.3).mailgun("l-3")

    assert sandbox.done("l-3") == 1


@pytest.mark.point(39)
def test_refuse_then_500_does_nothing(sandbox: SandboxProcess) -> None:
    sandbox.inject("refuse_then_500")

    assert sandbox.mailgun("l-4").status == 503
    assert _really(sandbox, "l-4") == [("nothing", 503, "refuse_then_500")]


@pytest.mark.point(38)
def test_refuse_then_cut_does_nothing(sandbox: SandboxProcess) -> None:
    sandbox.inject("refuse_then_cut")

    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        sandbox.mailgun("l-5")

    assert _really(sandbox, "l-5") == [("nothing", None, "refuse_then_cut")]


@pytest.mark.point(38)
def test_refuse_then_hang_does_nothing(sandbox: SandboxProcess) -> None:
    sandbox.inject("refuse_then_hang", seconds=60)

    with pytest.raises(TimeoutError):
        sandbox.with_timeout(0.3).mailgun("l-6")

    assert sandbox.done("l-6") == 0


@pytest.mark.point(41)
@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("seconds", "7"),
        ("decimals", "7.250"),
        ("zero", "0"),
        ("negative", "-1"),
        ("absurd", "1000000000"),
        ("missing", None),
    ],
)
def test_429_carries_retry_after_in_the_chosen_form(sandbox: SandboxProcess, form: str, value: str | None) -> None:
    sandbox.inject("429", retry_after=form, seconds=7)

    reply = sandbox.mailgun(f"l-7-{form}")

    assert (reply.status, reply.headers.get("retry-after")) == (429, value)
    assert sandbox.done(f"l-7-{form}") == 0


@pytest.mark.point(41)
def test_429_carries_dates_ahead_and_behind(sandbox: SandboxProcess) -> None:
    sandbox.inject("429", retry_after="date", seconds=3600)
    ahead = parsedate_to_datetime(sandbox.mailgun("l-8").headers["retry-after"]).timestamp()
    sandbox.inject("429", retry_after="past_date")
    behind = parsedate_to_datetime(sandbox.mailgun("l-8").headers["retry-after"]).timestamp()

    at = sandbox.record("l-8")[0]["at"]
    assert behind < at < ahead


def test_slow_headers_and_slow_body_drip_after_the_work(sandbox: SandboxProcess) -> None:
    form = b"from=a@example.com&to=b@example.org&text=x&v%3Aeffect-id="
    headers = {"authorization": basic("k"), "content_type": "application/x-www-form-urlencoded"}
    sandbox.inject("slow_headers", seconds=60)
    head = sandbox.first_bytes("POST", "/mailgun/v3/mg.example.com/messages", form + b"l-9", **headers)
    sandbox.call("DELETE", "/_sandbox/lies")
    sandbox.inject("slow_body", seconds=60)
    body = sandbox.first_bytes("POST", "/mailgun/v3/mg.example.com/messages", form + b"l-10", **headers)

    assert b"\r\n\r\n" not in head
    assert not body.endswith(b"}")
    assert (sandbox.done("l-9"), sandbox.done("l-10")) == (1, 1)


@pytest.mark.point(40)
def test_a_body_cut_in_the_middle_is_incomplete(sandbox: SandboxProcess) -> None:
    sandbox.inject("cut_body")

    with pytest.raises(http.client.IncompleteRead):
        sandbox.mailgun("l-11")

    assert sandbox.done("l-11") == 1


@pytest.mark.point(40)
def test_unreadable_successes_look_complete(sandbox: SandboxProcess) -> None:
    sandbox.inject("truncated_json")
    truncated = sandbox.mailgun("l-12")
    sandbox.call("DELETE", "/_sandbox/lies")
    sandbox.inject("html_200", accept=False)
    page = sandbox.mailgun("l-13")
    sandbox.call("DELETE", "/_sandbox/lies")
    sandbox.inject("ok_200_with_error_body")
    error = sandbox.mailgun("l-14")

    assert [reply.status for reply in (truncated, page, error)] == [200, 200, 200]
    with pytest.raises(ValueError):
        _ = truncated.json
    assert page.body.startswith(b"<!doctype html>")
    assert error.json == {"message": "Internal Server Error"}
    assert [sandbox.done(f"l-{number}") for number in (12, 13, 14)] == [1, 0, 0]


@pytest.mark.point(42)
@pytest.mark.parametrize("status", [401, 403])
def test_denied_refuses_the_credentials(sandbox: SandboxProcess, status: int) -> None:
    sandbox.inject("denied", status=status)

    assert sandbox.resend(f"l-15-{status}").status == status
    assert sandbox.done(f"l-15-{status}") == 0


@pytest.mark.point(48)
def test_lookup_500_spares_the_writes(sandbox: SandboxProcess) -> None:
    sandbox.inject("lookup_500")

    assert sandbox.mailgun("l-16").status == 200
    assert sandbox.events("l-16").status == 500


@pytest.mark.point(44)
def test_a_forgotten_key_lets_a_repeat_through(sandbox: SandboxProcess) -> None:
    sandbox.resend("l-17")
    sandbox.inject("key_forgotten", provider="resend", seconds=60)
    within = sandbox.resend("l-17")
    sandbox.shift(61)
    after = sandbox.resend("l-17")

    assert (within.status, after.status) == (200, 200)
    assert [did for did, _, _ in _really(sandbox, "l-17")] == ["accepted", "replayed", "accepted"]


@pytest.mark.point(46)
def test_drop_idle_closes_a_kept_connection_after_a_true_answer(sandbox: SandboxProcess) -> None:
    sandbox.inject("drop_idle", on="all")
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=10)
    connection.request("GET", "/http/idle/x")
    with connection.getresponse() as response:
        announced = response.getheader("connection")
        response.read()

    assert connection.sock is not None
    assert connection.sock.recv(1) == b""
    assert announced is None
    connection.close()


def test_a_rate_limit_allows_its_burst_and_then_says_how_long_to_wait(sandbox: SandboxProcess) -> None:
    sandbox.inject("rate_limit", provider="resend", account="re_limited", limit=1, per=600, burst=2)

    statuses = [sandbox.resend(f"l-18-{number}", token="re_limited") for number in range(3)]

    assert [reply.status for reply in statuses] == [200, 200, 429]
    assert int(statuses[2].headers["retry-after"]) > 300
    assert sandbox.resend("l-18-other", token="re_free").status == 200


def test_latency_delays_without_changing_the_answer(sandbox: SandboxProcess) -> None:
    sandbox.inject("latency", ms=60_000)

    with pytest.raises(TimeoutError):
        sandbox.with_timeout(0.3).mailgun("l-19")

    assert _really(sandbox, "l-19") == [("accepted", 200, None)]


def test_a_fault_is_limited_to_its_provider_account_match_and_times(sandbox: SandboxProcess) -> None:
    sandbox.inject("refuse_then_500", provider="mailgun", account="lie.example.com", match="eve@", times=1)
    to = {"to": "eve@example.org"}

    assert sandbox.resend("l-20", mail={"to": ["eve@example.org"]}).status == 200
    assert sandbox.mailgun("l-21", **to).status == 200
    assert sandbox.mailgun("l-22", domain="lie.example.com").status == 200
    assert [sandbox.mailgun("l-23", domain="lie.example.com", **to).status for _ in range(2)] == [503, 200]


def test_a_share_of_faults_meets_the_same_effects_in_any_order(sandbox: SandboxProcess) -> None:
    names = [f"s-{number}" for number in range(40)]

    sandbox.inject("refuse_then_500", rate=0.5, seed=7)
    forwards = {name: sandbox.mailgun(name).status for name in names}
    sandbox.inject("refuse_then_500", rate=0.5, seed=7)
    backwards = {name: sandbox.mailgun(name).status for name in reversed(names)}
    sandbox.inject("refuse_then_500", rate=0.5, seed=8)
    other_seed = {name: sandbox.mailgun(name).status for name in names}

    assert forwards == backwards
    assert forwards != other_seed
    assert set(forwards.values()) == {200, 503}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"lie": "fib"}, "there is no lie 'fib'"),
        ({"lie": "429", "retry_after": "soon"}, "retry_after is one of"),
        ({"lie": "accept_then_500", "rate": 2}, "rate is a share between 0 and 1"),
        ({"lie": "accept_then_500", "provider": "postbox"}, "provider 'postbox' is not one of"),
        ({"lie": "accept_then_cut", "seconds": 5}, "has no setting 'seconds'"),
        ({"lie": "rate_limit", "limit": 0}, "limit and per are above 0"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_what_could_be(
    sandbox: SandboxProcess, command: dict[str, object], words: str
) -> None:
    reply = sandbox.call("POST", "/_sandbox/lies", command)

    assert reply.status == 400
    assert words in reply.json["error"]


def test_faults_are_listed_removed_and_cleared(sandbox: SandboxProcess) -> None:
    first = sandbox.inject("accept_then_500", provider="mailgun").json["id"]
    sandbox.inject("denied", provider="resend")

    sandbox.call("DELETE", f"/_sandbox/lies/{first}")
    one_left = sandbox.call("GET", "/_sandbox/lies").json["items"]
    sandbox.call("POST", "/_sandbox/lies/clear", {})

    assert [fault["lie"] for fault in one_left] == ["denied"]
    assert sandbox.call("GET", "/_sandbox/lies").json["items"] == []


def _really(sandbox: SandboxProcess, effect: str) -> list[tuple[str, int | None, str | None]]:
    return [(entry["did"], entry["status"], entry["lie"]) for entry in sandbox.record(effect)]
