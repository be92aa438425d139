"""Secrets by reference: `ssm:/drumbeat/...` on AWS, `env:NAME` on a developer's machine. Values are never logged."""

import os
import time
from typing import TYPE_CHECKING

from drumbeat.config import Settings
from drumbeat.errors import SecretAway, SecretMissing

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

LIFETIME = 300  # seconds that a value is used before it is read again
LEAVE_ALONE = 20  # seconds for which a store that did not answer is not asked again


class Secrets:
    """Reads each secret once per process and lifetime; connects to nothing before the first `ssm:` reference."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider: SSMProvider | None = None
        self._known: dict[str, tuple[float, str]] = {}  # reference -> (read again at, value)
        self._away_until = 0.0

    def get(self, reference: str) -> str:
        """Return the value behind a reference.

        A value read before is used on while the parameter store does not answer.

        Raises:
            SecretMissing: there is no such secret, it may not be read, or the kind of reference is not allowed here.
            SecretAway: the parameter store does not answer, and the value was not read before.
        """
        kind, _, name = reference.partition(":")
        if kind == "env" and self._settings.local:
            try:
                return os.environ[name]
            except KeyError:
                raise SecretMissing(reference) from None
        if kind != "ssm" or not name:
            raise SecretMissing(reference)
        due, value = self._known.get(reference, (0.0, ""))
        if time.monotonic() >= due:
            value = self._read(reference, name) or value
            if not value:
                raise SecretAway(reference)
            self._known[reference] = (time.monotonic() + LIFETIME, value)
        return value

    def _read(self, reference: str, name: str) -> str | None:
        """Return the parameter's value; None: the store did not answer. Raises SecretMissing when it said no."""
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        if time.monotonic() < self._away_until:
            return None
        try:
            # The provider's own cache would outlive ours by up to its age.
            return str(self._ssm().get(name, decrypt=True, force_fetch=True))
        except GetParameterError as error:
            if _refused(error):
                self._known.pop(reference, None)
                raise SecretMissing(reference) from None
            self._away_until = time.monotonic() + LEAVE_ALONE
            return None

    def _ssm(self) -> "SSMProvider":
        if self._provider is None:
            # 240 ms of imports that a process with its secrets in the environment never pays.
            import boto3
            from aws_lambda_powertools.utilities.parameters import SSMProvider
            from botocore.config import Config

            # A worker asks under a lease: a store that is silent must not outlast it.
            limits = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
            client = boto3.client(
                "ssm",
                region_name=self._settings.region,
                endpoint_url=self._settings.aws_endpoint_url,
                config=limits,
            )
            self._provider = SSMProvider(boto3_client=client)
        return self._provider


def _refused(error: Exception) -> bool:
    """Tell an answer from the store (no such parameter, access denied) from no answer at all."""
    cause = error.__cause__ or error.__context__
    response = getattr(cause, "response", None)
    return isinstance(response, dict) and response.get("Error", {}).get("Code") in (
        "ParameterNotFound",
        "AccessDeniedException",
        "ValidationException",
    )
