"""Where the secrets of accounts and sources lie: the file of a local stack, or the SSM parameters of a stage."""

import os
from pathlib import Path
from typing import Protocol

import click

from drumbeat.cli.parameters import explained, ssm_client
from drumbeat.core.secret_references import Parameter, Place, Variable, parameter, variable
from drumbeat.infrastructure import secrets_file

DEV = "dev"  # the stage of every local stack
ACCOUNTS = "ssm:GetParameters, ssm:PutParameter and ssm:DescribeParameters on /drumbeat/<stage>/accounts/*"


class Store(Protocol):
    """One store. Errors are click.ClickException; none holds a value."""

    where: str  # for people
    stage: str
    local: bool

    def stored(self) -> list[Place]:
        """Return what it holds."""
        ...

    def value(self, place: Place) -> str | None:
        """Return what a place holds; None: nothing."""
        ...

    def write(self, name: str, value: str) -> bool:
        """Store `secret:NAME`; return whether another value was there."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class LocalStore:
    """The file of a local stack, which counts first, and this process's environment."""

    local = True
    stage = DEV

    def __init__(self, home: Path) -> None:
        self._file = home / secrets_file.FILE
        self.where = str(self._file)

    def stored(self) -> list[Place]:
        """Return what the file holds."""
        return [Variable(name) for name in secrets_file.read(self._file)]

    def value(self, place: Place) -> str | None:
        """Return the file's value, or else the environment's."""
        assert isinstance(place, Variable)
        return secrets_file.read(self._file).get(place.name, os.environ.get(place.name))

    def write(self, name: str, value: str) -> bool:
        """Write it into the file; a running stack reads it at once."""
        try:
            return secrets_file.store(self._file, variable(name).name, value)
        except OSError as error:
            raise click.ClickException(f"{self._file}: {error.strerror}; nothing was stored") from None

    def close(self) -> None:
        """Nothing is open."""


class RemoteStore:
    """The parameters of one stage in one region, each a SecureString."""

    local = False

    def __init__(self, stage: str, region: str | None) -> None:
        """Raises click.UsageError when no region is known."""
        self._ssm, region = ssm_client(region)
        self.stage = stage
        self.where = f"stage {stage} in {region}"

    def stored(self) -> list[Place]:
        """Return what is there, by name alone: no value is read."""
        with explained(f"list the secrets of stage {self.stage}", ACCOUNTS):
            pages = self._ssm.get_paginator("describe_parameters").paginate(
                ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": [parameter(self.stage, "x").folder]}]
            )
            return [Parameter(each["Name"]) for page in pages for each in page["Parameters"]]

    def value(self, place: Place) -> str | None:
        """Return a parameter's value."""
        assert isinstance(place, Parameter)
        with explained(f"read {place.path}", ACCOUNTS):
            found = self._ssm.get_parameters(Names=[place.path], WithDecryption=True)["Parameters"]
        return found[0]["Value"] if found else None

    def write(self, name: str, value: str) -> bool:
        """Write it; the functions use it within five minutes."""
        path = parameter(self.stage, name).path
        with explained(f"write {path}", ACCOUNTS, writes=True):
            done = self._ssm.put_parameter(
                Name=path,
                Description="Drumbeat: a secret of an account or source.",
                Value=value,
                Type="SecureString",
                Overwrite=True,
            )
        return done["Version"] > 1

    def close(self) -> None:
        """Close the connections."""
        self._ssm.close()
