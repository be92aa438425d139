"""The SSM parameters of a stage: what the template's functions read by name, and for what."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter below `/drumbeat/<stage>/`. `variable` names it in the environment."""

    name: str
    variable: str
    purpose: str
    former: str | None = None  # what releases before called it; still read where the newer one does not exist

    def path(self, stage: str) -> str:
        """Return its full name, as the template writes it."""
        return f"/drumbeat/{stage}/{self.name}"

    def paths(self, stage: str) -> list[str]:
        """Return all the names it may have, the first that exists counts."""
        return [f"/drumbeat/{stage}/{name}" for name in (self.name, self.former) if name]


OWNER = Parameter(
    "admin/database-url",
    "ADMIN_DATABASE_URL",
    "Postgres as its owner, on the server itself (no pool). Only the migration at each deployment may read it.",
)
APPLICATION = Parameter(
    "system/database-url",
    "DATABASE_URL",
    "Postgres as the functions use it; pooled is fine. Another user than the owner's: it may append and read, never"
    " rewrite. It need not exist: the deployment creates it with this URL's password.",
    former="database-url",
)
REDIS = Parameter(
    "system/redis-url",
    "REDIS_URL",
    "Redis or Valkey: rate limits and the relay's due index. Losing it only costs time.",
    former="redis-url",
)
MASTER = Parameter(
    "system/secret",
    "DRUMBEAT_SECRET",
    "Signs API keys and turns addresses into the ids of suppressions. Generated; never changed; keep a copy.",
    former="secret",
)

PARAMETERS = (OWNER, APPLICATION, REDIS, MASTER)


class ParameterStore:
    """One stage's parameters in one region. Errors of AWS become messages that say what to do."""

    def __init__(self, stage: str, region: str | None) -> None:
        """Raises click.UsageError when no region is known."""
        self._ssm, self.region = ssm_client(region)
        self.stage = stage

    def read(self, parameter: Parameter, stage: str | None = None) -> str | None:
        """Return a parameter's value, of our stage unless another is named; None: it does not exist.

        Raises click.ClickException.
        """
        paths = parameter.paths(stage or self.stage)
        with explained(f"read {paths[0]}"):
            found = self._ssm.get_parameters(Names=paths, WithDecryption=True)["Parameters"]
        values = {each["Name"]: each["Value"] for each in found}
        return next((values[path] for path in paths if path in values), None)

    def elsewhere(self, parameters: Collection[Parameter]) -> dict[str, dict[Parameter, str]]:
        """Return what the other stages of this account and region have under these names, by stage.

        Raises click.ClickException.
        """
        with explained("read the parameters of other stages", needs="ssm:DescribeParameters on all"):
            pages = self._ssm.get_paginator("describe_parameters").paginate(
                ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": ["/drumbeat"]}]
            )
            names = {each["Name"] for page in pages for each in page["Parameters"]}
        stages = {name.split("/")[2] for name in names} - {self.stage}
        there = {
            stage: [each for each in parameters if names.intersection(each.paths(stage))] for stage in sorted(stages)
        }
        return {stage: {each: self.read(each, stage) or "" for each in found} for stage, found in there.items()}

    def write(self, parameter: Parameter, value: str, *, replace: bool) -> None:
        """Write a SecureString; one that exists only with `replace`. Raises click.ClickException."""
        with explained(f"write {parameter.path(self.stage)}", writes=True):
            self._ssm.put_parameter(
                Name=parameter.path(self.stage),
                Description=f"Drumbeat: {parameter.purpose}"[:1024],
                Value=value,
                Type="SecureString",
                Overwrite=replace,
            )

    def close(self) -> None:
        """Close the connections."""
        self._ssm.close()


def ssm_client(region: str | None) -> "tuple[SSMClient, str]":
    """Return a client of the parameter store with its region. Raises click.UsageError when no region is known."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        # AWS_REGION is what Lambda and other SDKs read; botocore by itself reads AWS_DEFAULT_REGION alone.
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
    except BotoCoreError as error:  # a profile that does not exist
        raise click.UsageError(f"{error}. AWS was not asked.") from None
    if session.region_name is None:
        raise click.UsageError("no region: give --region or set AWS_REGION. AWS was not asked.")
    return session.client("ssm"), session.region_name


@contextmanager
def explained(
    what: str, needs: str = "ssm:GetParameters and ssm:PutParameter on that name", *, writes: bool = False
) -> Iterator[None]:
    """Turn the errors of AWS into messages that say what to do. Raises click.ClickException."""
    from botocore.exceptions import BotoCoreError, ClientError

    kept = " What was written before stays." if writes else ""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an error")
        raise click.ClickException(
            f"AWS does not let us {what}: {code}.{kept} Correct that and run it again. It needs {needs}."
        ) from None
    except BotoCoreError as error:
        raise click.ClickException(
            f"could not {what}: {error}.{kept} Are you logged in (`aws sts get-caller-identity`), in the right region?"
        ) from None
