"""The built functions under Lambda's own runtime client and emulator: each answers its samples, from layers alone."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from bench.coldstart import EMULATOR
from bench.emulator import Environment
from drumbeat.access import sql as access_sql
from drumbeat.access.keys import SCOPES
from drumbeat.ledger.database import Database
from drumbeat.local.cloud.account import environment
from tests.build.conftest import tool
from tests.build.stack import ROOT
from tests.cloud.deployed import Deployed

RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")  # what AWS keeps beside every Python function
SAMPLES_SECRET = "for tests"  # what the samples' API key was minted under

type Check = Callable[[Any], bool]


def status(code: int) -> Check:
    return lambda answer: bool(answer["statusCode"] == code)


def only_the_second_fails(answer: Any) -> bool:
    return [each["itemIdentifier"][-1] for each in answer["batchItemFailures"]] == ["2"]


def up_to_date(answer: Any) -> bool:
    return bool(answer["version"] > 0 and answer["applied"] == [])


# The worker before ingest: one of its samples names an event that was not sent yet.
SAMPLES: dict[str, dict[str, Check]] = {
    "worker": {
        "worker_one_record": lambda answer: answer == {"batchItemFailures": []},
        "worker_foreign_record": only_the_second_fails,
        "worker_two_records": only_the_second_fails,
        "worker_turn": lambda answer: answer == {"batchItemFailures": []},  # of a run that is not there
    },
    "ingest": {
        "ingest_event": status(200),
        "ingest_batch": status(207),
        "ingest_webhook": status(202),
        "ingest_webhook_forged": status(401),
        "ingest_form": status(202),
        "ingest_confirm": status(404),  # what they name was signed under another secret
        "ingest_unsubscribe": status(404),
    },
    "relay": {"relay": lambda answer: "errorType" not in answer},
    "campaign": {"campaign": lambda answer: answer == {"ignored": "no campaign of this name is in force"}},
    "console": {
        "console_events": status(200),
        "console_import": status(200),
        "console_plan": status(404),  # a campaign of which no configuration says anything
        "console_approve": status(404),
        "console_resolve": status(404),
        "console_redrive": status(404),
        "console_cancel": status(404),
    },
    "migrate": {
        "migrate_plain": up_to_date,
        "migrate_create": up_to_date,
        "migrate_delete": lambda answer: answer == {},
    },
}


@pytest.fixture(scope="module")
def emulator() -> Path:
    """Lambda's emulator, which the wheel of sam carries."""
    installation = Path(tool("sam")).resolve().parents[1]
    found = next(installation.rglob(EMULATOR), None)
    assert found is not None, f"no {EMULATOR} in {installation}"
    return found


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runtime client and nothing else of this machine's packages."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files if file.parts[0] != ".."}:
            (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    return folder


@contextmanager
def cloudformation(answers: list[dict[str, Any]]) -> Iterator[str]:
    """Listen where a custom resource puts its answer."""

    class Taker(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            answers.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/answer"
        server.shutdown()


def test_every_sample_is_tried() -> None:
    tried = {name for samples in SAMPLES.values() for name in samples}

    assert tried == {path.stem for path in (ROOT / "events").glob("*.json")}


@pytest.fixture(scope="module")
def known_key(cloud: Deployed) -> None:
    """The samples' key, as a deployment knows its keys."""
    with closing(Database(cloud.ledger_url)) as ledger:
        access_sql.add(ledger, "sample", "of the samples", SCOPES, actor="test")


@pytest.mark.proof
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("known_key")
@pytest.mark.parametrize("function", SAMPLES)
def test_a_built_function_answers_its_samples(
    cloud: Deployed, emulator: Path, runtime: Path, tmp_path: Path, function: str
) -> None:
    if function in ("worker", "ingest"):
        lead = json.loads(json.loads((ROOT / "events/ingest_event.json").read_text())["body"])
        cloud.call("POST", "/v1/events", lead)
    name = f"{function.capitalize()}Function"
    variables = cloud.aws("lambda").get_function_configuration(FunctionName=cloud.names[name])["Environment"][
        "Variables"
    ]
    account = {key: value for key, value in environment(cloud.ready["aws_endpoint_url"]).items() if "AWS" in key}
    samples_key = {} if function == "migrate" else {"DRUMBEAT_SECRET": SAMPLES_SECRET, "DRUMBEAT_TEST_DOOR": "1"}
    layers = [cloud.home / "build" / layer / "python" for layer in ("DependenciesLayer", "CodeLayer")]
    answers: list[dict[str, Any]] = []

    with (
        cloudformation(answers) as response_url,
        Environment(
            emulator,
            cloud.home / "build" / name,
            [*layers, runtime],
            {**variables, **account, **samples_key},
            tmp_path / "log",
            python=(sys.executable, "-S", "-B"),
        ) as running,
    ):
        found = {}
        for sample in SAMPLES[function]:
            event = json.loads((ROOT / "events" / f"{sample}.json").read_text())
            if "ResponseURL" in event:
                event["ResponseURL"] = response_url
            found[sample] = running.invoke(event)[1]

    assert {sample for sample, check in SAMPLES[function].items() if not check(found[sample])} == set(), found
    assert [answer["Status"] for answer in answers] == (["SUCCESS"] * 2 if function == "migrate" else [])
    assert running.init_ms()
