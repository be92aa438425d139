"""The shape of the configuration document: every field, its type, and what it is for.

Only read when a configuration is applied or its schema written. References between parts are checked elsewhere.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from drumbeat.calendar import OnGap, parse, zones
from drumbeat.configuration import quantities
from drumbeat.core import secret_references
from drumbeat.core.configuration import EXPIRY_SECONDS, Limit
from drumbeat.core.events import EventType
from drumbeat.core.suggestions import instead
from drumbeat.planning.condition_checks import check_condition, check_mapping
from drumbeat.planning.text_checks import check_text
from drumbeat.sources.signature import MAX_DELIVERY_BYTES

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
NAME_RULE = "use up to 64 letters, digits, -, _ and dots, a letter or digit first"
HEADER = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"


def _written(read: Callable[[str], Any], pattern: str, example: str, meaning: str) -> tuple[Any, ...]:
    """Annotate a value that is written as text of a form of its own."""

    def from_text(value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"must be text such as {example}")
        return read(value)

    return (
        BeforeValidator(from_text),
        WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example], "description": meaning}),
    )


def one_of(names: Collection[str]) -> tuple[Any, ...]:
    """Annotate a text that is one of these names."""

    def known(value: str) -> str:
        if value not in names:
            raise ValueError(f"there is no {value}; {instead(value, names)}")
        return value

    return (AfterValidator(known), WithJsonSchema({"type": "string", "enum": list(names)}))


def _secret(value: str) -> str:
    if why := secret_references.problem(value):
        raise ValueError(why)
    return value


def _timezone(value: str) -> str:
    if value not in zones.names():
        raise ValueError(f"there is no timezone {value}; {_zone_instead(value)}")
    return value


def _zone_instead(value: str) -> str:
    suggestion = instead(value, zones.names())
    return suggestion if suggestion.startswith("did you mean") else "write one like Europe/Berlin, or UTC"


def _schedule(value: str) -> str:
    parse(value)
    return value


def _setting(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be text; put quotes around it")
    return str(value)


def _plain(value: object) -> object:
    if isinstance(value, Mapping | list):
        raise ValueError("must be a text or a number, not a list or mapping")
    return check_texts(value)


def check_texts(value: object) -> object:
    """Check every text of a value, and return the value."""
    wrong: list[str] = []

    def visit(branch: object) -> None:
        if isinstance(branch, str):
            try:
                check_text(branch)
            except ValueError as error:
                wrong.append(str(error))
        elif isinstance(branch, Mapping):
            for one in branch.values():
                visit(one)
        elif isinstance(branch, list):
            for one in branch:
                visit(one)

    visit(value)
    if wrong:
        raise ValueError("; ".join(wrong))
    return value


Duration = Annotated[
    float, *_written(quantities.duration, quantities.DURATION, "15m", "a whole number and s, m, h or d")
]
RateLimit = Annotated[
    Limit, *_written(quantities.limit, quantities.LIMIT, "10/s burst 20", "N/s, N/m, N/h or N/d, every one holds")
]
Condition = Annotated[str, AfterValidator(check_condition)]
Where = Annotated[str, AfterValidator(check_mapping)]
Text = Annotated[str, AfterValidator(check_text)]
Plain = Annotated[Any, AfterValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Setting = Annotated[str, BeforeValidator(_setting), WithJsonSchema({"type": ["string", "integer"]})]
Secret = Annotated[
    str, AfterValidator(_secret), WithJsonSchema({"type": "string", "pattern": secret_references.REFERENCE})
]
Zone = Annotated[str, AfterValidator(_timezone)]
EventTypeName = Annotated[str, *one_of([kind.value for kind in EventType])]


class Form(BaseModel):
    """A part of the document: no other fields than these, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)
    later: ClassVar[Mapping[str, str]] = {}  # fields that are named but not there yet, and what to do meanwhile
    nullable: ClassVar[frozenset[str]] = frozenset()  # fields for which null says something


class Retry(Form):
    """For how long an effect is tried, from its due time, and how it waits between tries: full jitter up to `cap`."""

    for_: Annotated[Duration, Field(alias="for")] = EXPIRY_SECONDS
    base: Duration = 1.0
    cap: Duration = 900.0
    tries: Annotated[int, Field(ge=1, le=100)] | None = None  # of older documents; not counted any more


class Defaults(Form):
    """What holds where nothing else is said."""

    timezone: Zone = "UTC"
    retry: Retry = Retry()


class Lookup(Form):
    """When to look into an unknown outcome, and how long the provider's search reaches back."""

    looks: Annotated[list[Duration], Field(min_length=1, max_length=20)]
    retention: Duration


class Settings(Form):
    """What a provider needs to know of an account, and headers of its own for a receiver that wants them."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Setting]

    headers: dict[str, str] = {}

    @property
    def texts(self) -> dict[str, str]:
        """All but the headers."""
        return dict(self.__pydantic_extra__)


class Account(Form):
    """One login at one provider: the unit of rate limit, pause and probe."""

    provider: str
    settings: Settings = Settings.model_validate({})
    secrets: dict[str, Secret] = {}
    limits: list[RateLimit] = []
    on_unknown: Annotated[str, *one_of(("hold", "resend", "drop"))] = "hold"
    lookup: Lookup | None = None


class Source(Form):
    """One configured way in."""  # `declared_models` adds the options of the schemes

    later: ClassVar[Mapping[str, str]] = {
        "form": "let your page's server post to /v1/events under a source name of its own"
    }

    webhook: str
    type: EventTypeName
    secrets: Annotated[list[Secret], Field(min_length=1, max_length=10)]
    tolerance: Duration | None = None  # None: the scheme's own
    max_bytes: Annotated[int, Field(ge=1, le=MAX_DELIVERY_BYTES)] | None = None
    map: dict[str, Where] = {}


class Step(Form):
    """One intended action of a flow."""

    id: str
    account: str
    action: str
    with_: Annotated[dict[str, Any], Field(alias="with")]
    delay: Duration = 0.0
    after: str | None = None
    when: Condition | None = None
    unless: Condition | None = None


class FlowHead(Form):
    """Which events a flow acts on."""

    on: EventTypeName
    when: Condition | None = None


class Flow(FlowHead):
    """Which steps follow from which event."""

    steps: Annotated[list[Step], Field(min_length=1, max_length=100)]


class Campaign(Form):
    """A schedule that fires CAMPAIGN_TRIGGER events for flows to act on."""

    later: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("audience", "account", "variants", "pace", "template"),
        "a campaign fires CAMPAIGN_TRIGGER; put what it does into a flow with on: CAMPAIGN_TRIGGER",
    )

    schedule: Annotated[str, AfterValidator(_schedule)]
    timezone: Zone | None = None
    on_gap: Annotated[str, *one_of(list(OnGap))] = OnGap.SHIFT


class Document(Form):
    """Everything Drumbeat does for you: accounts, sources, flows and campaigns."""

    version: Literal[1]
    defaults: Defaults = Defaults()
    accounts: dict[str, Account] = {}
    sources: dict[str, Source] = {}
    flows: dict[str, Flow] = {}
    campaigns: dict[str, Campaign] = {}
