"""Secrets by reference: `ssm:/drumbeat/...` on AWS, `env:NAME` on a developer's machine. Values are never logged."""

import contextlib
import os
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.infrastructure.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

SECRET_CACHE_SECONDS = 300.0  # a value is used for this long before it is read again
# 40 calls a second are an account's, so a dozen processes that start together are throttled: ask again inside a second.
TRY_SECONDS = 1.0  # no try begins later
PAUSES = (
    0.1,
    0.2,
    0.3,
    0.4,
)  # between tries, at most: chance decides, so that those who were throttled do not meet again
REST = 3.0  # after a failure the store is left alone for so many times as long as that took
REFUSAL_CODES = ("AccessDeniedException", "ValidationException")  # the store answered; all other errors are outages


class _Refused(Exception):
    """The store answered: a parameter does not exist, or may not be read."""


class Secrets:
    """Reads each secret once per process and five minutes; connects to nothing before the first `ssm:` reference."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider: SSMProvider | None = None
        self._known: dict[str, tuple[float, str]] = {}  # parameter -> (read at, value)
        self._retry_at = 0.0

    def fetch(self) -> None:
        """Read all that the settings name in one call. Raises nothing: `get` reads what is missing then."""
        if names := self._settings.parameters:
            with contextlib.suppress(_Refused):  # which name was refused is not known
                self._read(names)

    def get(self, reference: str, *, max_age: float = SECRET_CACHE_SECONDS) -> str:
        """Return the value behind a reference; one that was read over `max_age` seconds ago is read again.

        A value that was read before stays in use while the parameter store does not answer.

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
        if not self._fresh(name, max_age) and name in self._settings.parameters:
            self.fetch()
        if not self._fresh(name, max_age):
            try:
                self._read([name])
            except _Refused:
                self._known.pop(name, None)
                raise SecretMissing(reference) from None
        if name not in self._known:
            raise SecretAway(reference)
        return self._known[name][1]

    def _fresh(self, name: str, max_age: float) -> bool:
        return name in self._known and time.monotonic() - self._known[name][0] < min(max_age, SECRET_CACHE_SECONDS)

    def _read(self, names: Sequence[str]) -> None:
        """Read parameters in one call; while the store does not answer, known values stay. Raises _Refused."""
        found = {name: value for name, (_, value) in self._known.items() if name in names}
        begun = time.monotonic()
        if begun >= self._retry_at:
            found |= (answer := self._asked(names, begun + TRY_SECONDS))
            if not answer:
                now = time.monotonic()
                self._retry_at = now + REST * (now - begun)
        self._known |= {name: (time.monotonic(), value) for name, value in found.items()}

    def _asked(self, names: Sequence[str], end: float) -> dict[str, str]:
        """Ask until the store answers or `end` has come; returns nothing then. Raises _Refused."""
        for pause in PAUSES:
            if answer := self._answer(names):
                return answer
            wait = random.uniform(0, pause)  # noqa: S311 - jitter
            if time.monotonic() + wait >= end:
                return {}
            time.sleep(wait)
        return self._answer(names)

    def _answer(self, names: Sequence[str]) -> dict[str, str]:
        """Ask once; returns nothing when the store throttles us, fails, or is silent. Raises _Refused."""
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            # The provider's own cache would outlive ours by up to its age.
            read = self._ssm().get_parameters_by_name({name: {} for name in names}, decrypt=True, max_age=0)
        except GetParameterError:
            raise _Refused from None
        except ClientError as error:
            if error.response["Error"]["Code"] in REFUSAL_CODES:
                raise _Refused from None
            return {}
        except BotoCoreError:
            return {}
        return {name: str(value) for name, value in read.items()}  # nothing for an error within the store

    def _ssm(self) -> "SSMProvider":
        if self._provider is None:
            # 240 ms of imports that a process with its secrets in the environment never pays.
            import boto3
            from aws_lambda_powertools.utilities.parameters import SSMProvider
            from botocore.config import Config

            # Waiting for a silent store must outlast neither a worker's lease nor the ten seconds of a start.
            limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
            client = boto3.client(
                "ssm",
                region_name=self._settings.region,
                endpoint_url=self._settings.aws_endpoint_url,
                config=limits,
            )
            self._provider = SSMProvider(boto3_client=client)
        return self._provider
