"""Secrets of the installation itself, by name, and those of accounts and sources, by reference. Never logged."""

import contextlib
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drumbeat.core.errors import SecretAway, SecretMissing
from drumbeat.core.secret_references import Variable, own_names, place
from drumbeat.infrastructure import secrets_file
from drumbeat.infrastructure.settings import Settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SSMProvider

SECRET_CACHE_SECONDS = 300.0  # a value is used for this long before it is read again
# 40 calls a second are an account's, so a dozen processes that start together are throttled: ask again inside a second.
TRY_SECONDS = 1.0  # no try begins later
PAUSES = (0.1, 0.2, 0.3, 0.4)  # between tries, at most: by chance, so that those who were throttled do not meet again
REST = 3.0  # after a failure the store is left alone for so many times as long as that took
MISSING = "_errors"  # where Powertools lists the parameters that do not exist
REFUSAL_CODES = ("AccessDeniedException", "ValidationException")  # the store answered; all other errors are outages


class _Refused(Exception):
    """The store answered: it lets us read none of these."""


class Secrets:
    """Reads each secret once per process and five minutes; connects to nothing before the first parameter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._provider: SSMProvider | None = None
        self._known: dict[str, tuple[float, str]] = {}  # parameter -> (read at, value)
        self._retry_at = 0.0

    def fetch(self) -> None:
        """Read all that the settings name in one call. Raises nothing: `own` reads what is missing then."""
        if names := self._settings.parameters:
            with contextlib.suppress(_Refused):  # which name was refused is not known
                self._read(names)

    def own(self, parameter: str) -> str:
        """Return a secret of the installation itself, by the name of its parameter or else by that of releases before.

        Raises: as `get` does.
        """
        names, reference = own_names(parameter), f"ssm:{parameter}"
        if not any(self._fresh(name, SECRET_CACHE_SECONDS) for name in names):
            self.fetch()
        if not any(self._fresh(name, SECRET_CACHE_SECONDS) for name in names):
            try:
                self._read_for(names, reference)
            except SecretAway:
                raise
            except SecretMissing:  # a role that does not know the newer name, or not yet
                self._read_for(names[1:], reference)
        return _not_empty(next(self._known[name][1] for name in names if name in self._known), reference)

    def get(self, reference: str, *, max_age: float = SECRET_CACHE_SECONDS) -> str:
        """Return the value that an account or source names; one read over `max_age` seconds ago is read again.

        A value that was read before stays in use while the parameter store does not answer.

        Raises:
            SecretMissing: there is no such secret, it is empty, it may not be read, or no reference may name it.
            SecretAway: the parameter store does not answer, and the value was not read before.
        """
        where = place(reference, stage=self._settings.stage, local=self._settings.local)
        if where is None:
            raise SecretMissing(reference)
        if isinstance(where, Variable):
            return self._variable(where.name, reference)
        if not self._fresh(where.path, max_age):
            self._read_for([where.path], reference)
        return _not_empty(self._known[where.path][1], reference)

    def _variable(self, name: str, reference: str) -> str:
        file = self._settings.secrets_file
        stored = secrets_file.read(Path(file)) if file else {}
        if name not in stored and name not in os.environ:
            raise SecretMissing(reference)
        return _not_empty(stored[name] if name in stored else os.environ[name], reference)

    def _read_for(self, names: Sequence[str], reference: str) -> None:
        """Read parameters of which one has to be known afterwards; raises as `get` does."""
        try:
            answered = not names or self._read(names)
        except _Refused:
            for name in names:
                self._known.pop(name, None)
            raise SecretMissing(reference) from None
        if not any(name in self._known for name in names):
            raise SecretMissing(reference) if answered else SecretAway(reference)

    def _fresh(self, name: str, max_age: float) -> bool:
        return name in self._known and time.monotonic() - self._known[name][0] < min(max_age, SECRET_CACHE_SECONDS)

    def _read(self, names: Sequence[str]) -> bool:
        """Read parameters in one call; return whether the store answered. Until it does, known values stay.

        Raises _Refused.
        """
        begun = time.monotonic()
        read: Mapping[str, object] = {}
        if begun >= self._retry_at:
            read = self._asked(names, begun + TRY_SECONDS)
            if not read:
                now = time.monotonic()
                self._retry_at = now + REST * (now - begun)
        kept = {name: value for name, (_, value) in self._known.items() if name in names}
        found = kept | {name: str(value) for name, value in read.items() if name != MISSING}
        self._known |= {name: (time.monotonic(), value) for name, value in found.items()}
        missing = read.get(MISSING, [])
        for name in missing if isinstance(missing, list) else ():
            self._known.pop(name, None)
        return bool(read)

    def _asked(self, names: Sequence[str], end: float) -> Mapping[str, object]:
        """Ask until the store answers or `end` has come; returns nothing then. Raises _Refused."""
        for pause in PAUSES:
            if answer := self._answer(names):
                return answer
            wait = random.uniform(0, pause)  # noqa: S311 - jitter
            if time.monotonic() + wait >= end:
                return {}
            time.sleep(wait)
        return self._answer(names)

    def _answer(self, names: Sequence[str]) -> Mapping[str, object]:
        """Ask once; returns nothing when the store throttles us, fails, or is silent. Raises _Refused."""
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            # The provider's own cache would outlive ours by up to its age.
            return self._ssm().get_parameters_by_name(
                {name: {} for name in names}, decrypt=True, max_age=0, raise_on_error=False
            )
        except GetParameterError:
            raise _Refused from None
        except ClientError as error:
            if error.response["Error"]["Code"] in REFUSAL_CODES:
                raise _Refused from None
            return {}
        except BotoCoreError:
            return {}

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


def _not_empty(value: str, reference: str) -> str:
    """Return the value. Raises SecretMissing for one that would sign or open nothing."""
    if not value.strip():
        raise SecretMissing(reference, why="is empty")
    return value
