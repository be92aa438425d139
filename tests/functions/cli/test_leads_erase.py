"""`drumbeat leads erase` and `drumbeat leads receipt` against the real functions."""

import io
from collections.abc import Iterator

import pytest
from redis import Redis

from drumbeat.cli.main import main
from drumbeat.local.servers import Valkey
from drumbeat.services import Services
from tests.conftest import TestDatabase
from tests.functions.api.test_erasure import ADDRESS, signed_up
from tests.functions.console import Console, build_services, close
from tests.functions.deployment import served
from tests.store.people.history import apply_versions


@pytest.fixture
def services(
    database: TestDatabase, redis: Redis, valkey: Valkey, sqs_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Services]:
    services = build_services(database, valkey.url, sqs_endpoint, monkeypatch)
    apply_versions(services)
    signed_up(services)
    monkeypatch.setenv("DRUMBEAT_KEY", Console(services).key("read", "operate"))
    monkeypatch.setenv("COLUMNS", "200")
    with served() as url:
        monkeypatch.setenv("DRUMBEAT_URL", url)
        yield services
    close(services)


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["leads", *arguments])
    printed = capfd.readouterr()
    own = [line for line in printed.out.splitlines() if not line.startswith('{"')]  # what the functions log
    return int(ended.value.code or 0), "\n".join(own), printed.err


def bodies(services: Services) -> int:
    return len(services.db.run("SELECT 1 FROM payloads"))


def test_a_receipt_is_one_page_of_plain_text(services: Services, capfd: pytest.CaptureFixture[str]) -> None:
    code, page, _ = run(capfd, "receipt", ADDRESS)

    assert code == 0
    parts = (
        "Consent receipt",
        ADDRESS,
        "List offers: given",
        "Asked       2026-11-01T09:00:00.000Z, by the person (form)",
        "Form        https://hooks.example.com/f/narrow",
        "Text        Yes, write to me each Monday.",
        "            I can leave.",
        "Version     1",
        "Network     203.0.113.0/24",
        "Mail        that asks to confirm: accepted",
        "Subject     Confirm",
        "| Press …/c/…",
        "| Fern",
        "Confirmed   2026-11-01T10:00:00.000Z, by the person (confirm)",
    )
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert [line for line in page.splitlines() if line != line.rstrip() or "\x1b" in line] == []


def test_an_erasure_says_what_goes_and_does_nothing_until_it_is_confirmed(
    services: Services, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    code, dry, _ = run(capfd, "erase", ADDRESS, "--dry-run")
    refused, _, _ = run(capfd, "erase", ADDRESS)

    assert (code, refused, bodies(services)) == (0, 1, 2)
    assert "2 events, 1 request that was sent (mails and calls), the lead" in dry
    done, told, _ = run(capfd, "erase", ADDRESS, "--yes")
    assert (done, bodies(services), "erased: 2 events" in told, "backups" in told) == (0, 0, True, True)
    _, page, _ = run(capfd, "receipt", ADDRESS)
    assert "Evidence    none is kept" in page and "Monday" not in page


@pytest.mark.parametrize("option", ["--dry-run", "--yes"])
def test_an_address_that_nothing_is_known_of_is_said_to_be_so(
    services: Services, capfd: pytest.CaptureFixture[str], option: str
) -> None:
    code, told, _ = run(capfd, "erase", "zoe@persn.example", option)

    assert (code, "nothing is known of this address" in told, "to be deleted" in told) == (0, True, False)
    assert bodies(services) == 2


def test_an_address_of_the_configuration_is_refused(services: Services, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, problem = run(capfd, "erase", "ada@example.com", "--yes")

    assert (code, "stands in the configuration" in problem, bodies(services)) == (1, True, 2)
