"""One configuration version as planner, worker and ingest read it: checked, defaults filled in, immutable.

`document.compile_document` writes this form as JSON when a configuration is applied; `Config.load` reads it back, so
that nothing on the hot path needs YAML or a validator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Text, or nested mappings and lists of text, with `{{ }}` expressions in the leaves.
type Tree = str | int | float | bool | Mapping[str, "Tree"] | list["Tree"] | None


EXPIRY_SECONDS = 7 * 86_400.0  # of an effect where nothing else is said


@dataclass(frozen=True, slots=True)
class Retry:
    """For how long an effect is tried, and how long is waited between two tries; seconds."""

    base: float
    cap: float
    lasts: float = EXPIRY_SECONDS  # from its due time; then an effect that was surely not sent expires


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` calls in `period` seconds. `burst` is None for fixed UTC windows (hours, days)."""

    count: int
    period: int
    burst: int | None


@dataclass(frozen=True, slots=True)
class LookPolicy:
    """When to look up an unknown outcome (seconds after the attempt), and for how long the provider keeps its log."""

    looks: tuple[float, ...]
    retention: float


@dataclass(frozen=True, slots=True)
class Account:
    """One login at one provider."""

    name: str
    provider: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]  # name -> reference
    limits: tuple[Limit, ...]
    retry: Retry
    on_unknown: str  # hold | resend | drop
    lookup: LookPolicy | None  # None: the provider's own


@dataclass(frozen=True, slots=True)
class Source:
    """One configured way in."""

    name: str
    door: str  # webhook | form | schedule (a campaign, as ingest sees it)
    scheme: str  # of the signature; "" for the others
    type: str
    secrets: tuple[str, ...]  # references
    tolerance: float  # seconds
    map: Mapping[str, str]  # payload field -> JMESPath into the delivered body; empty: the body is the payload
    options: Mapping[str, Any]  # of the scheme


@dataclass(frozen=True, slots=True)
class Step:
    """One intended action of a flow."""

    id: str
    account: str
    action: str
    arguments: Mapping[str, Tree]  # `with:`
    delay: float  # seconds
    after: str | None
    when: str | None
    unless: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    """Which steps follow from which event."""

    name: str
    on: str
    when: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A schedule that fires events of its own."""

    name: str
    schedule: str
    timezone: str
    on_gap: str  # shift | skip


@dataclass(frozen=True, slots=True)
class Template:
    """Subject and bodies of one mail; front matter is already taken off."""

    subject: str | None
    html: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Config:
    """One immutable version of everything a user configured."""

    version: int
    accounts: Mapping[str, Account]
    sources: Mapping[str, Source]
    flows: Mapping[str, Flow]
    campaigns: Mapping[str, Campaign]
    templates: Mapping[str, Template]

    @classmethod
    def load(cls, version: int, compiled: Mapping[str, Any]) -> "Config":
        """Read the compiled form back."""
        return cls(
            version=version,
            accounts={
                name: Account(
                    **{
                        **entry,
                        "name": name,
                        "limits": tuple(Limit(**limit) for limit in entry["limits"]),
                        "retry": _retry(entry["retry"], compiled.get("expiry", {}).get(name)),
                        "lookup": entry["lookup"]
                        and LookPolicy(tuple(entry["lookup"]["looks"]), entry["lookup"]["retention"]),
                    }
                )
                for name, entry in compiled["accounts"].items()
            },
            sources={
                name: Source(**{**entry, "name": name, "secrets": tuple(entry["secrets"])})
                for name, entry in compiled["sources"].items()
            },
            flows={
                name: Flow(name, entry["on"], entry["when"], tuple(Step(**step) for step in entry["steps"]))
                for name, entry in compiled["flows"].items()
            },
            campaigns={name: Campaign(name, **entry) for name, entry in compiled["campaigns"].items()},
            templates={name: Template(**entry) for name, entry in compiled["templates"].items()},
        )


def _retry(entry: Mapping[str, float], lasts: float | None) -> Retry:
    """Read how an account's effects are tried. `tries` is there for the release before, which counts them.

    How long they are tried stands apart from the account: the release before could not read it there.
    """
    return Retry(entry["base"], entry["cap"], EXPIRY_SECONDS if lasts is None else lasts)
