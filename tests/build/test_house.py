"""The rules of the house, which docs/architecture.md explains: each is kept by one test."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from tests.build.stack import ROOT

PACKAGE = ROOT / "shared/drumbeat"
MOST_ROOMS = 33
LARGEST_SHARE = 0.15  # of all lines

SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+|DELETE\s+FROM\s|WITH\s+\w+|TRUNCATE\s|LOCK\s+TABLE\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|ROLE|INDEX|FUNCTION|TRIGGER|DATABASE|DOMAIN|SCHEMA)\b|(GRANT|REVOKE)\s)"
)
HOLDS_SQL = ("ledger", "views", "cli", "local")  # rooms; elsewhere sql.py and *_sql.py

BY_KEY = re.compile(r"redis\.call\('\w+', (?:key|promised|KEYS\[1\])[,)]|redis\.call\('TIME'\)")

# Each has a plain word: a person is named by what they do, and the rest by the field's terms.
BANNED = re.compile(r"\b(nobody|somebody|whoever|anybody|doorbells?|trickle|lessons)\b", re.IGNORECASE)
READ_BY_PEOPLE = (".py", ".sql", ".lua", ".md", ".html", ".css", ".js", ".yaml", ".txt")
# What is applied is checksummed; the other is what the release before wrote.
OLD_WORDS = {PACKAGE / "ledger/migrations/001_ledger.sql", PACKAGE / "ledger/legacy.py"}


def test_rooms_import_downwards_only() -> None:
    """The layers stand in pyproject.toml; this also covers that nothing that ships imports cli, local or sandbox."""
    program = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    checked = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout


def test_the_package_imports_nothing_from_outside_itself() -> None:
    outside = {"functions", "bench", "tests"}
    importing = {
        str(path.relative_to(ROOT)): sorted(names & outside)
        for path, tree in modules()
        if (names := {name.partition(".")[0] for name in imported(tree)}) & outside
    }

    assert importing == {}


def test_sql_stands_in_its_own_files() -> None:
    strays = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in modules()
        if path.relative_to(PACKAGE).parts[0] not in HOLDS_SQL
        if path.stem != "sql" and not path.stem.endswith("_sql")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]

    assert strays == []


def test_what_is_left_out_is_looked_up_row_by_row_and_not_in_a_list() -> None:
    """Postgres reads the list of NOT IN again for each row once it is too long for its memory. Accounts are few."""
    lists = re.compile(r"NOT\s+IN\s*\(\s*(?:SELECT(?!\s+account\s+FROM\s+account_states)|\{|WITH)")

    texts = [path for kind in ("*.py", "*.sql") for path in PACKAGE.rglob(kind)]

    assert [str(path.relative_to(PACKAGE)) for path in texts if lists.search(path.read_text())] == []


def test_no_lock_is_held_between_two_statements() -> None:
    """A frozen process would keep it. What opens a transaction only reads, or is a deployment's."""
    open_some = {
        str(path.relative_to(PACKAGE))
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "transaction"
    }

    assert open_some == {
        "audiences/counting_sql.py",
        "audit/spans_sql.py",
        "ledger/database.py",
        "ledger/steps.py",
    }


def test_redis_is_reached_by_the_client_that_names_the_keys_of_a_stage() -> None:
    """One key has one name for all stages: their list. The CLI tries URLs."""
    by_others = {
        str(path.relative_to(PACKAGE))
        for path, tree in modules()
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "local")
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "redis")
        or (isinstance(node, ast.Import) and any(alias.name == "redis" for alias in node.names))
    }
    shared = {
        str(path.relative_to(PACKAGE)): [ast.unparse(node.args[0]) for node in calls]
        for path, tree in modules()
        if (calls := [node for node in ast.walk(tree) if _calls(node, "SharedKey")])
    }

    assert by_others == {"infrastructure/redis.py"}
    assert shared == {"observability/stages.py": ["'drumbeat:{stages}'"]}


def test_scripts_of_redis_touch_the_keys_that_they_are_given() -> None:
    texts = [path.read_text() for path in PACKAGE.rglob("*.lua")]
    texts += [
        node.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "redis.call(" in node.value
    ]
    called = sum(text.count("redis.call(") for text in texts)
    by_key = sum(len(BY_KEY.findall(text)) for text in texts)

    assert texts
    assert called == by_key


def _calls(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def test_the_house_has_few_rooms_and_none_is_a_hall() -> None:
    lines: Counter[str] = Counter()
    for folder in (PACKAGE, ROOT / "functions", ROOT / "bench"):
        for path in folder.rglob("*.py"):
            first = path.relative_to(folder).parts[0].removesuffix(".py")
            lines[first if folder == PACKAGE else folder.name] += len(path.read_text().splitlines())

    total = lines.total()
    assert len(lines) <= MOST_ROOMS
    assert {room: count for room, count in lines.items() if count > LARGEST_SHARE * total} == {}


def test_texts_are_in_words_that_everyone_knows() -> None:
    folders = (PACKAGE, ROOT / "functions", ROOT / "docs")
    texts = [path for folder in folders for path in folder.rglob("*") if path.suffix in READ_BY_PEOPLE]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word.group()}"
        for path in [*texts, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
        if path not in OLD_WORDS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in BANNED.finditer(line)
    ]

    assert found == []


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Give each module of the package, parsed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    """Give the name of each module that is imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
