"""The commands in README and docs exist, with the options that are shown; links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from botocore import xform_name
from botocore.session import get_session

from drumbeat.cli.main import cli
from tests.build.stack import ROOT

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "tests").glob("*.md")),
]
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# What the AWS command line adds to every operation, or has beside the API's own.
COMMON = {"--query", "--output", "--region", "--profile"}
OWN = {("logs", "tail"): {"--follow", "--since", "--filter-pattern"}}


def commands(program: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (page, words) of each command of a program in a block of shell, or alone in backticks."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += re.findall(rf"`({program} [^`]+)`", text.replace("\n", " "))
        for line in lines:
            for found in re.findall(
                rf"(?:^|(?<!init)[\s(;{{=])((?:\.venv/bin/)?{program} [^#|;)]*(?:\)[^#|;]*)?)", line
            ):
                yield page.name, words(found)


def words(line: str) -> list[str]:
    bare = re.sub(r"\$\((?:fn|param) \$?[\w-]+\)", "value", line)
    try:
        return shlex.split(bare)[1:]
    except ValueError:
        return shlex.split(bare.rstrip(") "), posix=False)[1:]


def shown(program: str) -> list[object]:
    return [pytest.param(rest, id=f"{page}: {' '.join(rest)}") for page, rest in commands(program)]


@pytest.mark.parametrize("rest", shown("drumbeat"))
def test_a_command_of_ours_is_understood(rest: list[str]) -> None:
    rest = [word for word in rest if word != "..."]
    context = cli.make_context("drumbeat", list(rest), resilient_parsing=True)
    command: click.Command = cli
    left = [*context._protected_args, *context.args]
    while isinstance(command, click.Group) and left:
        following = command.get_command(context, left[0])
        assert following is not None, f"there is no command {left[0]}"
        command, left = following, left[1:]
        options = {name for parameter in command.params for name in parameter.opts}
        given = [word.partition("=")[0] for word in left if word.startswith("-") and len(word) > 1]
        if not isinstance(command, click.Group):
            assert {each for each in given if each not in options} == set()


@pytest.mark.parametrize("rest", shown("make"))
def test_a_target_exists(rest: list[str]) -> None:
    assert set(rest) <= TARGETS


@pytest.mark.parametrize("rest", shown("aws"))
def test_a_command_of_aws_exists(rest: list[str]) -> None:
    service, operation, *arguments = rest
    given = {word for word in arguments if word.startswith("--")} - COMMON
    if (service, operation) in OWN:
        assert given <= OWN[service, operation]
        return
    model = get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    shape = model.operation_model(operations[operation]).input_shape
    assert shape is not None
    known = {f"--{xform_name(member, '-')}" for member in shape.members}
    known |= {
        f"--no-{xform_name(name, '-')}" for name, member in shape.members.items() if member.type_name == "boolean"
    }
    assert given <= known


def test_every_command_is_mentioned_somewhere() -> None:
    context = click.Context(cli)
    text = "".join(page.read_text() for page in PAGES)

    mentioned = set(re.findall(r"\b(?:drumbeat|make) (\w+)", text))
    assert set(cli.list_commands(context)) - mentioned == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        other = (page.parent / name).resolve() if name else page
        assert other.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", other.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_stands_behind_a_link_to_code_is_defined_there(page: Path) -> None:
    """As in: [`delivery/claims_sql.py`](../shared/drumbeat/delivery/claims_sql.py): `CLAIM`."""
    for target, name in re.findall(r"\]\(([^)#]+\.py)\): `(\w+)`", page.read_text()):
        assert re.search(rf"^(?:def |class )?{name}\b", (page.parent / target).read_text(), re.MULTILINE), name


def test_decisions_are_numbered_dated_complete_and_listed() -> None:
    index = (DECISIONS[0].parent / "README.md").read_text()
    listed = re.findall(r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \| (.+) \|$", index, re.MULTILINE)

    assert [number for number, *_ in listed] == [f"{place:04}" for place in range(1, len(DECISIONS) + 1)]
    for file, (number, title, name, date) in zip(DECISIONS, listed, strict=True):
        head, *sections = re.split(r"^## ", file.read_text(), flags=re.MULTILINE)
        assert name == file.name
        assert head.startswith(f"# {number}. {title}\n\n{date}\n")
        assert re.match(r"\d{4}-\d\d-\d\d", date)
        assert [each.partition("\n")[0] for each in sections] == ["Context", "Decision", "Alternatives", "Consequences"]
        assert all(each.partition("\n")[2].strip() for each in sections)


def test_the_points_that_tests_name_are_all_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "guarantees.md").read_text(), re.MULTILINE)
    named = {
        int(number)
        for file in (ROOT / "tests").rglob("*.py")
        for number in re.findall(r"mark\.point\((\d+)\)", file.read_text())
    }

    assert [int(number) for number in rows] == [*range(1, 69)]
    assert named <= {*range(1, 69)}
