"""Amazon SNS at the door: its certificate is fetched, its subscription is confirmed, its notifications are events."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import override

import pytest

from drumbeat.core.clock import SystemClock
from drumbeat.ingest.certificates import FETCHES_A_MINUTE, MINUTE_SECONDS, MOST_SEEN, RETRY_SECONDS
from drumbeat.sources.signature import Delivery
from tests.functions.doors import Answer, Doors
from tests.sns_sender import FILE, NOW, TOPIC, altered, certificate, confirmation, signed
from tests.unit.infrastructure.peer import Peer, Talk


class AheadClock(SystemClock):
    """The machine's clock, and as many seconds ahead as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    @override
    def elapsed(self) -> float:
        return super().elapsed() + self.ahead


@dataclass
class Sns:
    """An imitated SNS, and a door with one source that takes its topic."""

    doors: Doors
    peer: Peer
    answers: dict[str, tuple[int, bytes]]  # by the beginning of what is asked for
    clock: AheadClock

    @property
    def origin(self) -> str:
        return f"{self.peer.url}/ses"

    @property
    def asked(self) -> list[str]:
        return [request.split()[1].decode() for request in self.peer.requests]

    def forgeries(self, number: int) -> list[Delivery]:
        """Return deliveries with another signature, each under a certificate of its own at SNS's address."""
        files = (f"/SimpleNotificationService-{each:032x}.pem" for each in range(number))
        true = self.notification()
        return [altered(true, SigningCertURL=f"{self.origin}{file}", Signature="AAAA") for file in files]

    def notification(self, id: str = "n-1", **changed: str) -> Delivery:
        fields = {"Type": "Notification", "Message": '{"eventType": "Send"}', "MessageId": id}
        return signed(fields | changed, origin=self.origin)

    def deliver(self, delivery: Delivery) -> Answer:
        headers = {**delivery.headers, "Drumbeat-Now": str(NOW)}
        return self.doors.post("/v1/webhooks/mail-events", delivery.body, key=None, headers=headers)


@pytest.fixture
def sns(doors: Doors) -> Iterator[Sns]:
    answers = {"/ses/SimpleNotificationService": (200, certificate()), "/ses/?Action=Confirm": (200, b"<Response/>")}
    with Peer(_answering(answers)) as peer:
        services = doors.services
        clock = services.clock = AheadClock()
        services.settings = replace(services.settings, sandbox_url=peer.url)
        source = {"scheme": "sns", "type": "FEEDBACK", "tolerance": 7200.0, "options": {"topic": TOPIC}}
        doors.configure(**{"mail-events": source})
        yield Sns(doors, peer, answers, clock)
        services.http.close()


def _answering(answers: dict[str, tuple[int, bytes]]) -> Callable[[Talk], None]:
    def script(talk: Talk) -> None:
        while (request := talk.hear()) is not None:
            target = request.split()[1].decode()
            status, body = next((kept for start, kept in answers.items() if target.startswith(start)), (404, b""))
            talk.say(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    return script


def test_notifications_are_events_and_their_certificate_is_fetched_once(sns: Sns) -> None:
    first, again, other = (sns.deliver(sns.notification(id)) for id in ("n-1", "n-1", "n-2"))

    assert [(one.status, one.body["status"]) for one in (first, again, other)] == [
        (202, "recorded"),
        (200, "recorded"),
        (202, "recorded"),
    ]
    assert [row["key"] for row in sns.doors.events()] == ["n-1", "n-2"]
    assert sns.asked == [f"/ses{FILE}"]


def test_what_sns_did_not_sign_is_refused(sns: Sns) -> None:
    answer = sns.deliver(altered(sns.notification(), Message="{}"))

    assert answer.status == 401
    assert sns.doors.events() == []


def test_what_is_of_another_topic_fetches_nothing(sns: Sns) -> None:
    answer = sns.deliver(sns.notification(TopicArn=f"{TOPIC}-2"))

    assert (answer.status, sns.asked) == (401, [])


def test_a_certificate_that_is_not_there_is_a_forgery_and_is_not_asked_for_again_at_once(sns: Sns) -> None:
    sns.answers["/ses/SimpleNotificationService"] = (404, b"")
    first, second = sns.deliver(sns.notification()), sns.deliver(sns.notification())
    sns.answers["/ses/SimpleNotificationService"] = (200, certificate())
    sns.clock.ahead += MINUTE_SECONDS
    later = sns.deliver(sns.notification())

    assert [first.status, second.status, later.status] == [401, 401, 202]
    assert len(sns.asked) == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b"") for status in (302, 403, 429, 500, 503)),
        (200, b""),
        (200, b"<html>Welcome to this network. Please sign in.</html>"),
        (200, certificate()[:-100]),
        (200, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ],
)
def test_a_certificate_that_cannot_be_had_now_is_asked_for_again_a_little_later(
    sns: Sns, status: int, body: bytes
) -> None:
    sns.answers["/ses/SimpleNotificationService"] = (status, body)
    first, second = sns.deliver(sns.notification()), sns.deliver(sns.notification())
    sns.answers["/ses/SimpleNotificationService"] = (200, certificate())
    sns.clock.ahead += RETRY_SECONDS
    later = sns.deliver(sns.notification())

    assert [first.status, second.status, later.status] == [503, 503, 202]
    assert len(sns.asked) == 2


def test_few_certificates_are_fetched_in_a_minute_and_those_that_are_known_stay(sns: Sns) -> None:
    sns.deliver(sns.notification("n-1"))
    sns.answers["/ses/SimpleNotificationService"] = (404, b"")

    statuses = [sns.deliver(forged).status for forged in 2 * sns.forgeries(20)]
    good = sns.deliver(sns.notification("n-2"))

    assert set(statuses) == {401, 503}
    assert len(sns.asked) == FETCHES_A_MINUTE
    assert good.status == 202


def test_strangers_who_name_certificates_that_are_there_displace_none_that_verified_a_delivery(sns: Sns) -> None:
    sns.deliver(sns.notification("n-1"))
    for forged in sns.forgeries(2 * MOST_SEEN):
        sns.deliver(forged)
        sns.clock.ahead += MINUTE_SECONDS
    asked = len(sns.asked)

    good = sns.deliver(sns.notification("n-2"))

    assert good.status == 202
    assert asked == len(sns.asked) == 1 + 2 * MOST_SEEN


def test_strangers_who_name_ever_others_do_not_keep_a_certificate_that_is_named_again_from_being_fetched(
    sns: Sns,
) -> None:
    for forged in sns.forgeries(200):
        sns.deliver(forged)

    first, again = sns.deliver(sns.notification()), sns.deliver(sns.notification())

    assert [first.status, again.status] == [503, 202]


def test_a_subscription_is_confirmed_and_is_no_event(sns: Sns) -> None:
    asked = confirmation(origin=sns.origin)

    answer = sns.deliver(asked)

    assert answer.status == 200
    assert sns.asked[1:] == [json.loads(asked.body)["SubscribeURL"].removeprefix(sns.peer.url)]
    assert sns.doors.events() == []


def test_a_subscription_that_could_not_be_confirmed_is_asked_for_again(sns: Sns) -> None:
    sns.answers["/ses/?Action=Confirm"] = (500, b"")
    failed = sns.deliver(confirmation(origin=sns.origin))
    sns.answers["/ses/?Action=Confirm"] = (200, b"")
    confirmed = sns.deliver(confirmation(origin=sns.origin))

    assert [failed.status, confirmed.status] == [503, 200]
    assert sns.doors.events() == []


def test_a_forged_confirmation_visits_nothing(sns: Sns) -> None:
    forged = altered(confirmation(origin=sns.origin), SubscribeURL="http://127.0.0.1:1/?Action=ConfirmSubscription")

    answer = sns.deliver(forged)

    assert answer.status == 401
    assert sns.asked == [f"/ses{FILE}"]


def test_the_end_of_a_subscription_is_logged_and_is_no_event(sns: Sns, caplog: pytest.LogCaptureFixture) -> None:
    answer = sns.deliver(confirmation("UnsubscribeConfirmation", origin=sns.origin))

    assert answer.status == 200
    assert sns.asked == [f"/ses{FILE}"]
    assert "unsubscribed" in caplog.messages
    assert sns.doors.events() == []
