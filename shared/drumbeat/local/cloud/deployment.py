"""`sam build` and `sam deploy`, as for AWS, with wheels for this machine and into the emulated account."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import drumbeat
from drumbeat.core.errors import DrumbeatError
from drumbeat.local.cloud.account import client, environment
from drumbeat.local.template import Reference, parse

ROOT = Path(drumbeat.__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
CONFIG = ROOT / "samconfig.toml"
STAGE = "local"
STACK = f"drumbeat-{STAGE}"
API_ID = "drumbeat"  # the emulator takes an API's id from a tag, so that the address outlives a restart


class DeployFailed(DrumbeatError):
    """The deployment did not succeed; with the end of sam's log."""


def tool(name: str) -> str:
    """Find a command: named by the environment (SAM, UV), in .venv, or on PATH.

    Raises:
        DeployFailed: it is not installed.
    """
    places = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = os.environ.get(name.upper()) or shutil.which(name, path=places)
    if found is None:
        raise DeployFailed(f"{name} is not installed; nothing was deployed. `make cloud` and `make sam` bring it.")
    return found


def build(folder: Path, log: Path) -> None:
    """Build functions and layers, with wheels for this machine; `folder` gets the artifacts and their template.

    Raises:
        DeployFailed: with the end of the log.
    """
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    variables = {**os.environ, "SAM_CLI_TELEMETRY": "0", "PLATFORM": f"{machine}-manylinux_2_28", "UV": tool("uv")}
    variables["PYTHON"] = sys.executable
    _sam(
        ["build", "--template-file", str(TEMPLATE), "--build-dir", str(folder), "--region", "us-east-1"], variables, log
    )


def deploy(folder: Path, endpoint: str, log: Path, *options: str) -> None:
    """Deploy what was built, as the docs say; the second time it changes only what differs. `options` are sam's.

    Raises:
        DeployFailed: with the end of the log.
    """
    command = ["deploy", "--template-file", str(folder / "template.yaml"), "--config-file", str(CONFIG)]
    command += ["--config-env", STAGE, "--tags", f"ms-custom-id={API_ID}"]
    _sam([*command, *options], environment(endpoint), log)


def parameters(function: str | None = None) -> dict[str, str]:
    """Return the SSM parameters that the template's functions read, or one of them, by the value's variable."""
    found = {}
    for name, value in _variables(parse(TEMPLATE.read_text()), function):
        if name.endswith("_PARAM") and isinstance(value.argument, str):  # not one that only a condition asks for
            found[name.removesuffix("_PARAM")] = str(value.argument).replace("${Stage}", STAGE)
    return found


def store_secrets(endpoint: str, values: Mapping[str, str]) -> None:
    """Write each secret where the template's functions look for it; `values` by variable, such as DATABASE_URL."""
    ssm = client("ssm", endpoint)
    for variable, name in parameters().items():
        ssm.put_parameter(Name=name, Value=values[variable], Type="SecureString", Overwrite=True)


def outputs(endpoint: str) -> dict[str, str]:
    """Return the stack's outputs."""
    (stack,) = client("cloudformation", endpoint).describe_stacks(StackName=STACK)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def physical_ids(endpoint: str) -> dict[str, str]:
    """Return what the resources of the template are called in the account."""
    resources = client("cloudformation", endpoint).describe_stack_resources(StackName=STACK)["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}


def first_key(endpoint: str) -> str:
    """Read the first API key where the stack's outputs say it is."""
    name = outputs(endpoint)["FirstKeyParameter"]
    key: str = client("ssm", endpoint).get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    return key


def _variables(document: Mapping[str, Any], function: str | None) -> Iterator[tuple[str, Reference]]:
    """Yield every variable, of any function or of one, whose value is made by an intrinsic."""
    owners = [each.get("Properties", {}) for each in document["Resources"].values()]
    if function is not None:
        owners = [each for each in owners if each.get("CodeUri") == f"functions/{function}"]
    owners.append(document["Globals"]["Function"])
    for owner in owners:
        for name, value in owner.get("Environment", {}).get("Variables", {}).items():
            if isinstance(value, Reference):
                yield name, value


def _sam(arguments: list[str], variables: Mapping[str, str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            [tool("sam"), *arguments], cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    if done.returncode != 0:
        tail = log.read_text(errors="replace")[-3000:]
        raise DeployFailed(f"sam {arguments[0]} failed. The ledger is as it was. The end of {log}:\n{tail}")
