"""The bench measures what it says: its record, its wire and its arithmetic."""

from bench.phases import Size
from bench.provider import ACCEPTED, CALLS, Record
from bench.results import Results
from bench.wire import Parser


def test_a_repeat_under_the_same_key_is_a_call_but_no_second_acceptance() -> None:
    record = Record()

    first, second = record.take("a", "key"), record.take("a", "key")

    assert (first, second) == (202, 200)
    assert (record.events["a"][CALLS], record.events["a"][ACCEPTED]) == (2, 1)


def test_a_repeat_without_a_key_is_accepted_again() -> None:
    record = Record()

    record.take("a", None)
    record.take("a", None)

    assert record.events["a"][ACCEPTED] == 2


def test_a_lie_accepts_and_answers_500_with_the_same_fate_for_every_system() -> None:
    fates = []
    for _ in range(2):
        record = Record()
        record.begin(latency=0.0, lies=0.05)
        fates.append([record.take(f"e{number}", None) for number in range(1000)])

    assert fates[0] == fates[1]
    assert 20 < fates[0].count(500) < 90
    assert all(entry[ACCEPTED] == 1 for entry in record.events.values())


def test_messages_are_cut_wherever_the_stream_breaks() -> None:
    whole = b"POST /x HTTP/1.1\r\nIdempotency-Key:  k 1\r\nContent-Length: 3\r\n\r\nabcGET /y HTTP/1.1\r\n\r\n"
    parser = Parser()

    messages = [message for byte in whole for message in parser.feed(bytes([byte]))]

    assert [(message.start, message.body) for message in messages] == [
        (b"POST /x HTTP/1.1", b"abc"),
        (b"GET /y HTTP/1.1", b""),
    ]
    assert messages[0].header(b"idempotency-key") == "k 1"
    assert messages[1].header(b"content-length") is None


def test_repeats_become_a_median_and_a_range() -> None:
    results = Results(Size())
    for repeat, value in enumerate((3.0, 1.0, 2.0)):
        results.add("drumbeat", "burst", repeat, {"CPU-s/1,000": {"all": value}})

    spread = results.spread("drumbeat", "burst", "CPU-s/1,000", "all")

    assert spread is not None and (spread.median, spread.low, spread.high) == (2.0, 1.0, 3.0)
    assert results.spread("celery", "burst", "events/s") is None
