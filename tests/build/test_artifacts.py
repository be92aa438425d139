"""What `sam build` makes: handlers that start from it alone, layers inside their budget."""

import ast
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.build.conftest import TOOLS, build, tool
from tests.build.stack import ROOT, Document, functions, role, statements
from tests.build.stack import listed as stated

FUNCTIONS = ("Campaign", "Console", "Ingest", "Migrate", "Relay", "Worker")
LAYERS = ("DependenciesLayer", "CodeLayer")
BUDGET = 60_000_000  # bytes, both layers unzipped

# What a function must not pay for at its start. The worker alone calls providers, so it alone loads httpx.
TOO_HEAVY = {
    "Campaign": {"pydantic", "yaml", "jinja2", "boto3", "httpx", "httpcore"},
    "Console": {"httpx", "httpcore"},
    "Ingest": {"httpx", "httpcore"},
    "Worker": {"pydantic", "yaml"},
    "Relay": {"pydantic", "yaml", "jinja2", "httpx", "httpcore"},
    "Migrate": {"pydantic", "yaml", "httpx", "httpcore"},
}
# One of each kind that is imported when an event first needs it: a start pays for none.
ON_FIRST_USE = {"drumbeat.providers.hubspot", "drumbeat.sources.github", "drumbeat.planning.actions.call", "mjml"}

IMPORT = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
failed = {}
for name in json.loads(sys.argv[2]):
    try:
        importlib.import_module(name)
    except ImportError as error:
        parent, _, attribute = name.rpartition(".")
        if not hasattr(sys.modules.get(parent), attribute):
            failed[name] = str(error)
json.dump({"failed": failed, "imported": sorted(sys.modules)}, sys.stdout)
"""

# Loads each library, has Rust and OpenSSL compute, and lets an exception unwind through a library.
USE_LIBRARIES = """
import importlib, sys
import psycopg
for name in sys.argv[1:]:
    importlib.import_module(name)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"text"), b"text")
try:
    key.public_key().verify(key.sign(b"text"), b"another")
except InvalidSignature:
    from mjml import mjml2html
    print(mjml2html("<mjml><mj-body><mj-text>Hi</mj-text></mj-body></mjml>"))
"""


def imported(folders: list[Path], modules: list[str]) -> dict[str, object]:
    """Import modules where nothing but these folders and the standard library is on the path."""
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-B", "-c", IMPORT, json.dumps([str(f) for f in folders]), json.dumps(modules)],
        env={"POWERTOOLS_METRICS_NAMESPACE": "Drumbeat", "POWERTOOLS_SERVICE_NAME": "drumbeat-test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def on_lambda(built: Path, function: str | None = None) -> list[Path]:
    """Return what Lambda puts on the path."""
    own = [built / f"{function}Function"] if function else []
    return [*own, *(built / layer / "python" for layer in LAYERS)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_handler_starts_from_its_folder_and_the_layers(built: Path, function: str) -> None:
    answer = imported(on_lambda(built, function), ["app", "app.handler"])

    assert answer["failed"] == {}
    assert (TOO_HEAVY[function] | ON_FIRST_USE).isdisjoint(str(name) for name in listed(answer["imported"]))


def test_every_import_of_the_shipped_code_finds_its_module(built: Path) -> None:
    package = built / "CodeLayer/python/drumbeat"
    names = {name for path in package.rglob("*.py") for name in imports(ast.parse(path.read_text()))}

    assert imported(on_lambda(built), sorted(names))["failed"] == {}


def test_the_libraries_work_without_what_only_debuggers_read(built: Path) -> None:
    layer = built / "DependenciesLayer/python"
    libraries = list(layer.rglob("*.so"))
    modules = [".".join(path.relative_to(layer).parts).partition(".so")[0] for path in libraries]
    names = [re.sub(r"\.(abi3|cpython-.*)$", "", module) for module in modules]

    worked = subprocess.run(
        [sys.executable, "-S", "-c", USE_LIBRARIES, *names],
        env={"PYTHONPATH": str(layer)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert {"mjml.mjml", "cryptography.hazmat.bindings._rust", "pydantic_core._pydantic_core"} <= set(names)
    assert ">Hi</div>" in worked.stdout
    assert [path.name for path in libraries if b".symtab" in path.read_bytes()] == []


def test_the_code_layer_carries_what_is_no_code_and_leaves_the_developers_part(built: Path) -> None:
    shipped = built / "CodeLayer/python/drumbeat"
    source = ROOT / "shared/drumbeat"
    kept = {
        path.relative_to(source)
        for path in source.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.relative_to(source).parts[0] not in ("cli", "local", "sandbox")
    }

    found = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file() and path.suffix != ".pyc"}

    packed = found - kept
    assert packed == {Path("api/openapi.json.gz")}
    assert {path.with_suffix("") for path in packed} == kept - found
    assert gzip.decompress((shipped / "api/openapi.json.gz").read_bytes()) == (source / "api/openapi.json").read_bytes()
    assert {path.name for path in (built / "CodeLayer").rglob("*") if path.name in ("Makefile", "tests")} == set()


def test_botocore_knows_every_service_that_the_shipped_code_asks(built: Path) -> None:
    package = built / "CodeLayer/python/drumbeat"
    code = "".join(path.read_text() for path in package.rglob("*.py"))
    clients = set(re.findall(r'(?:_boto3_client|boto3\.client)\(\s*"(\w+)"', code))

    assert {"cloudwatch", "scheduler", "sns", "ssm"} <= clients
    assert clients <= {path.name for path in (built / "DependenciesLayer/python/botocore/data").iterdir()}


def test_botocore_knows_what_the_roles_may_ask_of_ssm_and_how_to_answer(built: Path, document: Document) -> None:
    """Its description is cut down, because a start reads all of it."""
    actions = {
        action.removeprefix("ssm:")
        for function in functions(document)
        for statement in statements(document, role(document, function))
        for action in stated(statement["Action"])
        if action.startswith("ssm:")
    }

    (file,) = (built / "DependenciesLayer/python/botocore/data/ssm").glob("*/service-2.json")

    model = json.loads(file.read_text())
    assert model["operations"].keys() == actions - {"GetParameter"}  # the release before asks by a layer of its own
    assert {"ParameterList", "InternalServerError", "ParameterAlreadyExists"} <= model["shapes"].keys()


def test_an_authority_of_your_own_is_where_a_url_can_name_it(tmp_path: Path) -> None:
    layer, artifacts = tmp_path / "layer", tmp_path / "artifacts"
    shutil.copytree(ROOT / "layers/dependencies/authorities", layer / "authorities")
    (layer / "Makefile").write_bytes((ROOT / "layers/dependencies/Makefile").read_bytes())
    (layer / "authorities/rds.pem").write_text("a certificate")

    subprocess.run(
        ["make", "-s", "authorities"], cwd=layer, env={**os.environ, "ARTIFACTS_DIR": str(artifacts)}, check=True
    )

    assert [path.name for path in (artifacts / "authorities").iterdir()] == ["rds.pem"]


def test_a_function_is_one_file(built: Path) -> None:
    for function in FUNCTIONS:
        assert [path.name for path in (built / f"{function}Function").iterdir()] == ["app.py"]


def test_every_module_is_compiled_so_that_two_builds_are_equal(built: Path) -> None:
    for path in on_lambda(built):
        for source in path.rglob("*.py"):
            compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
            assert compiled.read_bytes()[4:8] == b"\x01\0\0\0", compiled  # by hash, unchecked: no time inside


@pytest.mark.proof
def test_a_second_build_makes_the_same_layers(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else every deployment would publish layers anew."""
    again = build(tmp_path / "again")

    for layer in LAYERS:
        assert digests(again / layer) == digests(built / layer)
        with capsys.disabled():
            print(f"\n  {layer}: {size(built / layer) / 1e6:.1f} MB unzipped, {len(digests(built / layer))} files")


def test_the_layers_for_lambda_are_within_their_budget(built: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "UV": tool("uv"), "ARTIFACTS_DIR": str(tmp_path), "PATH": TOOLS}
    environment.pop("PLATFORM", None)
    subprocess.run(
        ["make", "-s", "build-DependenciesLayer"], cwd=ROOT / "layers/dependencies", env=environment, check=True
    )

    binaries = list(tmp_path.rglob("*.so"))

    assert binaries
    assert all(path.read_bytes()[18:20] == b"\xb7\0" for path in binaries)  # ELF machine: aarch64
    assert not any(b".symtab" in path.read_bytes() for path in binaries)
    assert size(tmp_path) + size(built / "CodeLayer") <= BUDGET


def imports(tree: ast.Module) -> Iterator[str]:
    """Yield every module that code imports anywhere, but for type checkers only."""
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            assert not node.level, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def listed(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def digests(folder: Path) -> dict[str, str]:
    """Return a digest of every file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
