"""What a reference to a secret may name: never a value, and never one of the installation's own secrets.

`secret:NAME` is the same in every stage: a parameter on AWS, a variable under `drumbeat dev`. Older documents name the
place itself, by `ssm:/drumbeat/<stage>/accounts/NAME` or `env:NAME`.
"""

import re
from dataclasses import dataclass

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
NAME_RULE = "a secret's name has up to 64 letters, digits, - and _, a letter first"
_STAGE = r"[a-z][a-z0-9-]{0,15}"
_PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"  # never `..`, never a version or label (`:3`)
# What `apply` takes, also as JSON schema.
REFERENCE = (
    rf"^(secret:{NAME}|env:[A-Za-z_][A-Za-z0-9_]*"
    rf"|ssm:/drumbeat/{_STAGE}(?!/([Ss]ystem|[Aa]dmin|secret|database-url|redis-url)(/|$))(/{_PART})+)$"
)
# Older documents name any place of the user's own below the stage.
_FORMER = re.compile(rf"ssm:/drumbeat/(?P<stage>[A-Za-z0-9_.-]+)/(?P<path>{_PART}(/{_PART})*)")
_SYSTEM = "/system/"
_FORMERLY_BESIDE = frozenset({"secret", "database-url", "redis-url"})
# Below a stage these are the installation's own: what its functions connect and sign with.
_OWN_PATHS = frozenset({"system", "admin", "secret", "database-url", "redis-url"})
# And these are its own in the environment of `drumbeat dev`, with the credentials of AWS and Postgres.
_OWN_VARIABLES = re.compile(
    r"(ADMIN_)?DATABASE_URL\w*|REDIS_URL\w*|SECRET(_PARAM)?|SQS_ENDPOINT_URL|PG(PASSWORD|PASSFILE|SERVICEFILE)"
    r"|(AWS|DRUMBEAT|POWERTOOLS)_\w*",
    re.IGNORECASE,
)
_VALUE_INSTEAD = (
    "secrets are references, never values: write secret:NAME and store the value with `drumbeat secrets set NAME`; if a"
    " real secret stood here, change it at its provider"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A secret of a local stack: a line of its file of secrets, or a variable of its environment."""

    name: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A secret on AWS: the full name of an SSM parameter."""

    path: str

    @property
    def folder(self) -> str:
        """What it lies in."""
        return self.path.rpartition("/")[0]


type Place = Variable | Parameter


def is_stage(name: str) -> bool:
    """Return whether a stage can be called so."""
    return re.fullmatch(_STAGE, name) is not None


def own_names(parameter: str) -> tuple[str, ...]:
    """Return the names under which a secret of the installation itself is read: its own, then that of releases before.

    Those had directly below the stage what they had of what is in `system/` now.
    """
    name = parameter.partition(_SYSTEM)[2]
    return (parameter, parameter.replace(_SYSTEM, "/", 1)) if name in _FORMERLY_BESIDE else (parameter,)


def parameter(stage: str, name: str) -> Parameter:
    """Return where `secret:NAME` lies on AWS."""
    return Parameter(f"/drumbeat/{stage}/accounts/{name}")


def variable(name: str) -> Variable:
    """Return where `secret:NAME` lies under `drumbeat dev`."""
    return Variable(name.upper().replace("-", "_"))


def place(reference: str, *, stage: str, local: bool) -> Place | None:
    """Return where a reference leads in this stage; None: nowhere, or to what no reference may reach."""
    kind, _, name = reference.partition(":")
    if kind == "secret" and re.fullmatch(NAME, name) and not _is_own_variable(name):
        return variable(name) if local else parameter(stage, name)
    if kind == "env" and local and name and not _is_own_variable(name):
        return Variable(name)
    former = _FORMER.fullmatch(reference)
    if former and former["stage"] == stage and not _is_own_path(former["path"]):
        return Parameter(reference.removeprefix("ssm:"))
    return None


def problem(reference: str) -> str | None:
    """Say why a document may not hold this text as a reference, and what to write instead; None: it may.

    Only what has the form of a reference is quoted: anything else could be a secret.
    """
    kind, _, name = reference.partition(":")
    former = _FORMER.fullmatch(reference)
    if kind in ("secret", "env") and re.fullmatch(r"\w[\w-]{0,63}", name, re.ASCII) and _is_own_variable(name):
        return f"{reference} is called like a secret of the installation itself; choose another name"
    if former and _is_own_path(former["path"]):
        return "this is a secret of the installation itself, which no account or source can name"
    if re.fullmatch(REFERENCE, reference):
        return None
    if kind == "secret" and re.fullmatch(r"[\w./-]{1,64}", name, re.ASCII):
        return f"{NAME_RULE}; write one like secret:mail-api-key"
    return _VALUE_INSTEAD


def is_reference(value: object) -> bool:
    """Return whether a value of a compiled configuration names a secret."""
    return isinstance(value, str) and re.fullmatch(REFERENCE, value) is not None


def advice(reference: str) -> str | None:
    """Say what to write instead of a place that is read for older documents' sake; None: nothing."""
    former = _FORMER.fullmatch(reference)
    if former is None or former["path"].startswith("accounts/"):
        return None
    there = re.sub(r"[^A-Za-z0-9]+", "-", former["path"])
    return (
        "secrets of accounts and sources lie below /drumbeat/<stage>/accounts/ now; this one is still read where it is."
        f" Store it with `drumbeat secrets set {there} --stage {former['stage']}`, and write secret:{there}: that is"
        " the same in every stage"
    )


def same(reference: str) -> str:
    """Return one text for all the ways to name a secret, whatever the stage: names that are one variable are one."""
    kind, _, name = reference.partition(":")
    if former := _FORMER.fullmatch(reference):
        folder, _, name = former["path"].partition("/")
        if folder != "accounts":
            return former["path"]
    return f"accounts/{variable(name).name}" if former or kind in ("secret", "env") else reference


def _is_own_path(path: str) -> bool:
    return path.partition("/")[0].lower() in _OWN_PATHS


def _is_own_variable(name: str) -> bool:
    return _OWN_VARIABLES.fullmatch(variable(name).name) is not None
