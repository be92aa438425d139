"""A real `drumbeat cloud` as a child of the test, and what its tests do in the emulated account."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, override

import psycopg

from drumbeat.local.cloud import account, deployment
from drumbeat.people.tokens import Kind, Tokens
from tests.flow.stacks import OWN_SERVERS, Stack

REPORTS_SECRET = "signing-key-of-the-sandbox"
WEBHOOK_SECRET = "whsec_YSBzZWNyZXQgZm9yIHNhbXBsZXMgb25seSwgMzIgYi4="


class Deployed(Stack):
    """One deployment in a folder of its own."""

    @override
    def spawn(self, *options: str) -> "subprocess.Popen[str]":
        """Start without waiting."""
        self.home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "drumbeat.cli.main", "cloud", "--home", str(self.home), *options]
        environment = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        with (self.home / "said").open("a") as said:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, text=True, cwd=self.home, env=environment
            )
        return self.process

    def aws(self, service: str) -> Any:
        """Return a boto3 client with the rights of the account's owner."""
        return account.client(service, self.ready["aws_endpoint_url"])

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What the template's resources are called in the account."""
        return deployment.physical_ids(self.ready["aws_endpoint_url"])

    def forget_names(self) -> None:
        """Ask again what the resources are called: another template has been deployed."""
        vars(self).pop("names", None)

    def apply(self, config: str) -> None:
        """Put a configuration in force, by the command line."""
        file = self.home / "drumbeat.yaml"
        file.write_text(config)
        subprocess.run(
            [sys.executable, "-m", "drumbeat.cli.main", "--url", self.ready["url"], "apply", str(file)],
            env={**os.environ, "DRUMBEAT_KEY": self.ready["api_key"]},
            check=True,
            capture_output=True,
        )

    def invoke(self, function: str, event: object = None) -> tuple[bool, Any]:
        """Invoke a function; returns whether it succeeded, and what it answered."""
        reply = self.aws("lambda").invoke(FunctionName=self.invoked(function), Payload=json.dumps(event or {}).encode())
        return "FunctionError" not in reply, json.loads(reply["Payload"].read())

    def invoked(self, function: str) -> str:
        """Return what schedules, routes and the queue invoke: the alias; of the deploy hook the function itself."""
        name = f"{function.capitalize()}Function"
        return self.names.get(f"{name}Aliaslive", self.names[name])

    def restart(self, function: str) -> None:
        """Let the function's next invocation begin in a fresh process, which knows no secret yet."""
        name, functions = self.names[f"{function.capitalize()}Function"], self.aws("lambda")
        timeout = functions.get_function_configuration(FunctionName=name)["Timeout"]
        # Its time limit, though the same, replaces the processes of the function itself; a version never changes, so
        # the description makes another.
        functions.update_function_configuration(FunctionName=name, Timeout=timeout, Description=uuid.uuid4().hex)
        if self.invoked(function) != name:
            version = functions.publish_version(FunctionName=name)["Version"]
            functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def messages(self, queue: str, kind: str = "") -> int:
        """Count the messages of a queue: visible ones, or kind NotVisible or Delayed."""
        name = f"ApproximateNumberOfMessages{kind}"
        reply = self.aws("sqs").get_queue_attributes(QueueUrl=self.names[queue], AttributeNames=[name])
        return int(reply["Attributes"][name])

    def purge(self, *queues: str) -> None:
        """Empty queues."""
        for queue in queues:
            self.aws("sqs").purge_queue(QueueUrl=self.names[queue])

    def deliver(self, source: str, number: str, secret: str = WEBHOOK_SECRET) -> int:
        """Send a signed delivery to a webhook; returns the status."""
        body = json.dumps({"type": "order", "data": {"email": f"{number}@example.com"}}).encode()
        moment = str(int(time.time()))
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signature = hmac.digest(key, f"{number}.{moment}.".encode() + body, hashlib.sha256)
        headers = {
            "content-type": "application/json",
            "webhook-id": number,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        return self._post(f"/v1/webhooks/{source}", body, headers)

    def report(self, kind: str) -> int:
        """Send what Mailgun reports of a mail that is none of ours; returns the status."""
        moment, token = str(int(time.time())), uuid.uuid4().hex
        signature = hmac.digest(REPORTS_SECRET.encode(), f"{moment}{token}".encode(), "sha256").hex()
        event = {"event": kind, "id": token, "timestamp": time.time(), "recipient": "ada@example.com"}
        signed = {"timestamp": moment, "token": token, "signature": signature}
        body = json.dumps({"signature": signed, "event-data": event}).encode()
        return self._post("/v1/webhooks/mail-events", body, {"content-type": "application/json"})

    def unsubscribe(self, mail: uuid.UUID) -> int:
        """Press the button of a mail's link; returns the status."""
        secret = self.aws("ssm").get_parameter(Name="/drumbeat/local/system/secret", WithDecryption=True)
        key = hmac.digest(secret["Parameter"]["Value"].encode(), b"links 0", hashlib.sha256)
        token = Tokens("local", [key]).issue(Kind.UNSUBSCRIBE, mail)
        return self._post(f"/u/{token}", b"List-Unsubscribe=One-Click")

    def _post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        request = urllib.request.Request(f"{self.ready['url']}{path}", body, dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep queue and schedules from invoking anything for a while."""
        functions, scheduler = self.aws("lambda"), self.aws("scheduler")
        (mapping,) = functions.list_event_source_mappings(FunctionName=self.invoked("worker"))["EventSourceMappings"]
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        stopped = []
        for each in scheduler.list_schedules(GroupName=self.names["Schedules"])["Schedules"]:
            found = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
            names = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
            stopped.append({name: found[name] for name in names})
            scheduler.update_schedule(**stopped[-1], State="DISABLED")
        try:
            yield
        finally:
            for schedule in stopped:
                scheduler.update_schedule(**schedule, State="ENABLED")
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    @property
    def redis_url(self) -> str:
        """Where the deployment's Valkey answers."""
        return f"redis://:{self._password('valkey')}@127.0.0.1:{self._port('valkey')}/0"

    def ledger(self) -> psycopg.Connection:
        """Connect to the ledger as the server's own superuser."""
        return psycopg.connect(self.ledger_url, autocommit=True)

    @property
    def ledger_url(self) -> str:
        """Where the ledger answers the server's own superuser."""
        return f"postgresql://postgres:{self._password('postgres')}@127.0.0.1:{self._port('postgres')}/drumbeat"

    def _password(self, server: str) -> str:
        return (self.home / server / "password").read_text()

    @contextmanager
    def ledger_away(self) -> Iterator[None]:
        """Keep the application out of Postgres for a while."""
        with self.ledger() as ledger:
            ledger.execute("ALTER ROLE drumbeat_app NOLOGIN")
            ledger.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'drumbeat_app'")
            try:
                yield
            finally:
                ledger.execute("ALTER ROLE drumbeat_app LOGIN")

    @override
    def end(self, how: signal.Signals = signal.SIGINT, *, within: float = 180.0) -> tuple[int, str]:
        """End it as Ctrl-C would. The emulator ends its functions one after the other."""
        return super().end(how, within=within)

    def _port(self, server: str) -> int:
        port: int = json.loads((self.home / "ports.json").read_text())[server]
        return port
