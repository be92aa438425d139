"""The types of single values of the configuration document: what each is written as, and what is wrong with it."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from drumbeat.calendar import parse, zones
from drumbeat.configuration import quantities
from drumbeat.core import secret_references
from drumbeat.core.campaigns import RECIPIENT, Cap, QuietHours
from drumbeat.core.configuration import Limit
from drumbeat.core.events import NEVER_ACTED_ON, EventType
from drumbeat.core.suggestions import instead
from drumbeat.planning.condition_checks import check_condition, check_mapping, check_split
from drumbeat.planning.text_checks import check_text

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_PORTS = {"https": 443, "http": 80}
_SENDABLE = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")  # the characters of RFC 3986
_HOST_AND_PORT = re.compile(r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
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


def _campaign_timezone(value: str) -> str:
    return value if value == RECIPIENT else _timezone(value)


def _zone_instead(value: str) -> str:
    suggestion = instead(value, zones.names())
    return suggestion if suggestion.startswith("did you mean") else "write one like Europe/Berlin, or UTC"


def _acted_on(value: object) -> object:
    if value == EventType.FEEDBACK:
        raise ValueError(
            "no flow acts on FEEDBACK, which is what providers report of mails; give the source another type, such as"
            " CONTENT_PUBLISH, and write that here"
        )
    if value == EventType.CONSENT:
        raise ValueError("no flow acts on CONSENT; a sign-up that was confirmed is a LEAD_CAPTURE, so write that")
    return value


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


def _address_parts(value: str, needed: str) -> SplitResult:
    """Return the parts of an address that browsers reach, by HTTPS or on this machine, and that a header can hold."""
    where = urlsplit(value)
    reached = where.scheme == "https" or (where.scheme == "http" and where.hostname in _THIS_MACHINE)
    if not reached or not where.hostname:
        raise ValueError(needed)
    if not _SENDABLE.fullmatch(value):
        raise ValueError(
            "may hold only what stands in an address as it is sent: write a host as xn--…, other characters as %C3%A9"
        )
    if not _HOST_AND_PORT.fullmatch(where.netloc) or where.port == 0:
        raise ValueError("must have a host, and perhaps a port, between https:// and the path, and nothing else there")
    return where


def _web_address(value: str) -> str:
    """Take an address that people's browsers and mailbox providers reach: HTTPS, or this machine."""
    needed = (
        "must be an address that begins with https:// and a host, such as https://hooks.example.com, without ? or #"
    )
    where = _address_parts(value, needed)
    if where.query or where.fragment or (where.scheme == "https" and "." not in where.netloc):
        raise ValueError(needed)
    return value.rstrip("/")


def _origin(value: str) -> str:
    """Return an origin as browsers write it: in lower case, and without the port that is meant anyway."""
    where = urlsplit(_web_address(value))
    if where.path:
        raise ValueError("must be an origin: https:// and a host, without a path")
    host = f"[{where.hostname}]" if ":" in str(where.hostname) else where.hostname
    return f"{where.scheme}://{host}" + (f":{where.port}" if where.port not in (None, _PORTS[where.scheme]) else "")


def _page(value: str) -> str:
    _address_parts(value, "must be the address of a page that begins with https:// and a host")
    return value


def _lead(value: object) -> object:
    """Return the fields that become attributes of a lead; None: all, and none where the source makes no leads."""
    match value:
        case True:
            return None
        case False:
            return []
        case {"only": [*fields], **others} if not others and fields and all(isinstance(each, str) for each in fields):
            return fields
        case _:
            raise ValueError("must be false, or say which fields become attributes, like {only: [name, plan]}")


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
Pace = Annotated[Limit, *_written(quantities.pace, quantities.PACE, "5000/h", "N/s, N/m, N/h or N/d")]
QuietTime = Annotated[
    QuietHours,
    *_written(quantities.quiet_hours, quantities.QUIET_HOURS, "21:00-08:00", "from one time of day to another"),
]
MailCap = Annotated[Cap, *_written(quantities.cap, quantities.CAP, "2/7d", "a number of mails in a time of h or d")]
Condition = Annotated[str, AfterValidator(check_condition)]
Where = Annotated[str, AfterValidator(check_mapping)]
Facts = Annotated[str, AfterValidator(check_split)]
Text = Annotated[str, AfterValidator(check_text)]
Plain = Annotated[Any, AfterValidator(_plain), WithJsonSchema({"type": ["string", "number", "boolean", "null"]})]
Setting = Annotated[str, BeforeValidator(_setting), WithJsonSchema({"type": ["string", "integer"]})]
Secret = Annotated[
    str, AfterValidator(_secret), WithJsonSchema({"type": "string", "pattern": secret_references.REFERENCE})
]
Zone = Annotated[str, AfterValidator(_timezone)]
CampaignZone = Annotated[str, AfterValidator(_campaign_timezone)]
EventTypeName = Annotated[str, *one_of([kind.value for kind in EventType if kind is not EventType.CONSENT])]
ActedOn = Annotated[
    str, *one_of([kind.value for kind in EventType if kind not in NEVER_ACTED_ON]), BeforeValidator(_acted_on)
]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Origin = Annotated[str, AfterValidator(_origin)]
Page = Annotated[str, AfterValidator(_page)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
Lead = Annotated[
    list[str] | None,
    BeforeValidator(_lead),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "boolean"},
                {
                    "type": "object",
                    "properties": {"only": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
                    "required": ["only"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Schedule = Annotated[str, AfterValidator(_schedule)]
