"""The shape of the configuration document: every field, its type, and what it is for.

Only read when a configuration is applied or its schema written. References between parts are checked elsewhere.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from drumbeat.calendar import OnGap
from drumbeat.configuration.document_types import (
    ActedOn,
    CampaignZone,
    Condition,
    Duration,
    EventTypeName,
    Facts,
    Lead,
    MailCap,
    Origin,
    Pace,
    Page,
    QuietTime,
    RateLimit,
    Schedule,
    Secret,
    Setting,
    WebAddress,
    Where,
    Words,
    Zone,
    one_of,
)
from drumbeat.core.campaigns import MISFIRE_SECONDS
from drumbeat.core.configuration import EXPIRY_SECONDS, LOCALES
from drumbeat.core.events import EventType
from drumbeat.sources.signature import MAX_DELIVERY_BYTES


class Form(BaseModel):
    """A part of the document: no other fields than these, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)
    later: ClassVar[Mapping[str, str]] = {}  # fields that are named but not there yet, and what to do meanwhile
    elsewhere: ClassVar[Mapping[str, str]] = {}  # fields that stand elsewhere, and where
    nullable: ClassVar[frozenset[str]] = frozenset()  # fields for which null says something


class Retry(Form):
    """For how long an effect is tried, from its due time, and how it waits between tries: full jitter up to `cap`."""

    for_: Annotated[Duration, Field(alias="for")] = EXPIRY_SECONDS
    base: Duration = 1.0
    cap: Duration = 900.0
    tries: Annotated[int, Field(ge=1, le=100)] | None = None  # of older documents; not counted any more


class Track(Form):
    """Whether providers may count opens and clicks, by an image and by links of theirs."""

    opens: bool = False
    clicks: bool = False


class Defaults(Form):
    """What holds where nothing else is said."""

    timezone: Zone = "UTC"
    retry: Retry = Retry()
    public_url: WebAddress | None = None  # where people reach forms, and the links of mails
    postal_address: Words | None = None  # of the sender; each marketing mail gives it
    track: Track | None = None


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

    webhook: str
    type: EventTypeName
    secrets: Annotated[list[Secret], Field(min_length=1, max_length=10)] = []  # which schemes need one: `check_source`
    tolerance: Duration | None = None  # None: the scheme's own
    max_bytes: Annotated[int, Field(ge=1, le=MAX_DELIVERY_BYTES)] | None = None
    map: dict[str, Where] = {}
    lead: Lead = None
    split: Facts | None = None  # to the facts of a delivery that holds several
    speaks_for: str | None = None  # the account whose provider reports here what became of its mails


class FormPage(Form):
    """What a form takes, and what its page says; words that are left out are the locale's own."""

    fields: Annotated[dict[str, Literal["required", "optional"]], Field(min_length=1, max_length=50)]
    origins: Annotated[list[Origin], Field(max_length=50)] = []
    redirect: Page | None = None
    honeypot: str | None = None
    title: Words | None = None
    text: Words | None = None
    button: Words | None = None


class FormSource(Form):
    """A form on a page of yours, or on the page that Drumbeat shows."""

    form: FormPage
    type: EventTypeName = EventType.LEAD_CAPTURE
    list: str | None = None  # what it signs up for
    locale: Annotated[str, *one_of(LOCALES)] = "en"
    lead: Lead = None


class Confirm(Form):
    """The mail that asks a person whether it was really they who signed up."""

    account: str
    template: str


class MailingList(Form):
    """A subject that people subscribe to: they agree to it, and withdraw from it."""

    title: Words
    description: Words | None = None
    confirm: Confirm | None = None


class Action(Form):
    """One intended action, by an account."""

    id: str
    account: str
    action: str
    with_: Annotated[dict[str, Any], Field(alias="with")]


class Step(Action):
    """One intended action of a flow."""

    delay: Duration = 0.0
    after: str | None = None
    when: Condition | None = None
    unless: Condition | None = None


class FlowHead(Form):
    """Which events a flow acts on."""

    on: ActedOn
    when: Condition | None = None


class Flow(FlowHead):
    """Which steps follow from which event."""

    steps: Annotated[list[Step], Field(min_length=1, max_length=100)]


class CampaignStep(Action):
    """One intended action for each lead of a campaign's audience."""

    later: ClassVar[Mapping[str, str]] = {
        "delay": "a campaign's step is due at each person's own time: delete it",
        "after": "the steps of a campaign do not wait for each other: delete it",
    } | dict.fromkeys(("when", "unless"), "a campaign's step goes to its whole audience: choose people there")

    transactional: Words | None = None  # why a mail without a list goes to people who agreed to none


class CampaignHead(Form):
    """When a campaign fires, and for whom: without an audience it is one CAMPAIGN_TRIGGER event for flows to act on."""

    later: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("variants", "goal", "holdout"), "everyone of the audience gets the same: delete it"
    )

    schedule: Schedule | None = None  # None: by hand
    timezone: CampaignZone | None = None
    fallback_timezone: Zone | None = None  # of people whose zone is missing or unknown
    on_gap: Annotated[str, *one_of(list(OnGap))] = OnGap.SHIFT
    audience: str | None = None
    pace: Pace | None = None
    quiet_hours: QuietTime | None = None
    business_days: bool = False
    cap: MailCap | None = None
    misfire: Duration = MISFIRE_SECONDS
    approve: bool = False


class Campaign(CampaignHead):
    """When something happens by itself, and for whom."""

    steps: Annotated[list[CampaignStep], Field(min_length=1, max_length=100)] = []


# Their forms stand in `audience_models`; the schema names them.
_AUDIENCES = WithJsonSchema({"type": "object", "additionalProperties": {"$ref": "#/$defs/Audience"}})
Audiences = Annotated[dict[str, Any], _AUDIENCES]


class Document(Form):
    """Everything Drumbeat does for you: accounts, lists, audiences, sources, flows and campaigns."""

    version: Literal[1]
    defaults: Defaults = Defaults()
    accounts: dict[str, Account] = {}
    lists: dict[str, MailingList] = {}
    audiences: Audiences = {}
    sources: dict[str, Source | FormSource] = {}
    flows: dict[str, Flow] = {}
    campaigns: dict[str, Campaign] = {}
