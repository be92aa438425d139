"""The emulated AWS account: MiniStack with every API that the template touches, permissions enforced."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drumbeat.local.servers import MiniStack

REGION = "us-east-1"
SERVICES = (
    "cloudformation,s3,lambda,sqs,sns,ssm,iam,sts,apigateway,scheduler,events,logs,cloudwatch,monitoring,execute-api"
)
# All that functions may inherit from this machine: the rest has to come from the template, as it would on AWS.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE")
OWNER = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # the account's root, who may do everything


class Account(MiniStack):
    """An empty account at each start; `extra` is environment for its functions beside the template's."""

    def __init__(self, home: Path, port: int, extra: Mapping[str, str]) -> None:
        super().__init__(home, port, SERVICES)
        self._extra = dict(extra)

    def command(self) -> list[str]:
        """Run the server in the foreground."""
        return [sys.executable, "-m", "drumbeat.local.cloud.emulator"]

    def prepare(self) -> None:
        """Delete what an earlier account left."""
        shutil.rmtree(self.home / "tmp", ignore_errors=True)

    def stop(self) -> None:
        """Stop, and delete the unpacked code of the functions."""
        super().stop()
        self.prepare()

    def environment(self) -> dict[str, str]:
        """Enforce permissions; keep this machine's environment from the functions."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        own = {"AUTH": "true", "LAMBDA_EXECUTOR": "local", "PERSIST_STATE": "0"}
        return {**inherited, **self.settings(), **own, **self._extra}


def client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' types at run time
    """Return a boto3 client of an emulated account with its owner's rights."""
    import boto3

    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=OWNER["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=OWNER["AWS_SECRET_ACCESS_KEY"],
    )


def environment(endpoint: str) -> dict[str, str]:
    """Return the environment that leads AWS tools into an emulated account, and to no other."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **own,
        **OWNER,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "SAM_CLI_TELEMETRY": "0",
    }
