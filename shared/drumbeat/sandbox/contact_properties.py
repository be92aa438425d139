"""HubSpot's contact properties: which there are, and which values they take.

Those that every portal has come from HubSpot's "Default contact properties"; a portal adds its own by
`POST /crm/v3/properties/contacts`, and so does a user of the sandbox.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.record import Entry

NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
LONGEST_VALUE = 65_536  # characters
MIDNIGHT_MILLISECONDS = 86_400_000
TYPES = ("string", "number", "date", "datetime", "enumeration", "bool")

_TEXTS = """  # noqa: SIM905 - a list of words reads best as words
    address annualrevenue city company country degree fax field_of_study firstname hs_facebook_click_id hs_language
    hs_linkedin_url hs_persona hs_whatsapp_phone_number hubspot_owner_id industry job_function jobtitle lastname message
    mobilephone phone salutation school seniority state twitterhandle website work_email zip
""".split()  # noqa: SIM905 - words read best as words
_READ_ONLY = """
    createdate days_to_close first_conversion_date first_conversion_event_name hs_additional_emails
    hs_analytics_first_timestamp hs_analytics_last_timestamp hs_analytics_num_page_views hs_analytics_source
    hs_email_bounce hs_email_click hs_email_delivered hs_email_domain hs_email_open hs_email_optout hs_is_contact
    hs_marketable_status hs_object_id hs_updated_by_user_id lastmodifieddate num_contacted_notes num_notes
    num_unique_conversion_events recent_conversion_date total_revenue
""".split()  # noqa: SIM905 - words read best as words
_CHOICES = {
    "lifecyclestage": "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other",
    "hs_lead_status": "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING",
    "numemployees": "1-5 5-25 25-50 50-100 100-500 500-1000 1000+",
}


@dataclass(frozen=True, slots=True)
class Property:
    """One property of contacts."""

    name: str
    type: str = "string"  # one of TYPES
    options: tuple[str, ...] = ()
    read_only: bool = False
    label: str = ""  # its name, where none was given; likewise of an option
    option_labels: tuple[str, ...] = ()

    @property
    def shown(self) -> dict[str, object]:
        """The property as HubSpot's API returns it, as far as anything asks for it."""
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": "select" if self.type == "enumeration" else "text",
            "groupName": "contactinformation",
            "options": [
                {"label": label, "value": option, "displayOrder": place, "hidden": False}
                for place, (option, label) in enumerate(zip(self.options, self._labels, strict=True))
            ],
            "modificationMetadata": {"readOnlyValue": self.read_only},
        }

    @property
    def _labels(self) -> tuple[str, ...]:
        return self.option_labels or self.options


STANDARD = {
    **{name: Property(name) for name in _TEXTS},
    **{name: Property(name, read_only=True) for name in _READ_ONLY},
    **{name: Property(name, "enumeration", tuple(choices.split())) for name, choices in _CHOICES.items()},
    "email": Property("email"),
    "closedate": Property("closedate", "datetime"),
}


class Properties:
    """The properties of each portal: the standard ones, and what was created there."""

    def __init__(self) -> None:
        self._created: dict[str, dict[str, Property]] = {}

    def of(self, account: str) -> Mapping[str, Property]:
        """Return the properties of one portal by name."""
        return STANDARD | self._created.get(account, {})

    def apply(self, entry: Entry) -> None:
        """Add the property that the entry created."""
        if entry["action"] == "create_property" and "property" in entry:
            name, type, options, *labels = entry["property"]  # records of releases before have no labels
            label, option_labels = labels or ("", ())
            self._created.setdefault(entry["account"], {})[name] = Property(
                name, type, tuple(options), label=label, option_labels=tuple(option_labels)
            )


def problem(name: str, value: object, known: Mapping[str, Property]) -> dict[str, object] | None:
    """Return what is wrong with a value, as an entry of HubSpot's list, or None. An empty value clears any property."""
    property = known.get(name)
    if property is None:
        return _entry(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if property.read_only:
        return _entry(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.')
    if value is None or value == "":
        return _entry(name, "INVALID_EMAIL", "Email address  is invalid") if name == "email" else None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name == "email":
        return None if address(text) == text else _entry(name, "INVALID_EMAIL", f"Email address {text} is invalid")
    if len(text) > LONGEST_VALUE:
        return _entry(name, "PROPERTY_VALUE_TOO_LONG", f"the value is longer than {LONGEST_VALUE} characters")
    return _of_type(property, text)


def _of_type(property: Property, text: str) -> dict[str, object] | None:
    name = property.name
    match property.type:
        case "enumeration" if not set(text.split(";")) <= set(property.options):
            options = ", ".join(f"label: {option}" for option in property.options)
            return _entry(name, "INVALID_OPTION", f"{text} was not one of the allowed options: [{options}]")
        case "bool" if text not in ("true", "false"):
            return _entry(name, "INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]")
        case "number" if not _is(float, text):
            return _entry(name, "INVALID_INTEGER", f"{text} was not a valid number.")
        case "date" if not (
            _is(datetime.fromisoformat, text) or (_is(int, text) and not int(text) % MIDNIGHT_MILLISECONDS)
        ):
            return _entry(name, "INVALID_DATE", f"{text} is not midnight UTC")
        case "datetime" if not (_is(datetime.fromisoformat, text) or _is(int, text)):
            return _entry(name, "INVALID_LONG", f"{text} was not a valid long.")
    return None


def _is(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _entry(name: str, error: str, message: str) -> dict[str, object]:
    return {"isValid": False, "message": message, "error": error, "name": name, "localizedErrorMessage": message}


def sentence(problems: list[dict[str, object]]) -> str:
    """Return the message in which HubSpot puts the list of what is wrong."""
    return f"Property values were not valid: {json.dumps(problems)}"


def read_definition(content: object) -> Property | str:
    """Return the property that a request defines, or what is wrong with it."""
    if not isinstance(content, dict):
        return "Invalid input JSON"
    missing = [name for name in ("name", "label", "type", "fieldType", "groupName") if not content.get(name)]
    if missing:
        return f"Some required fields were not set: [{', '.join(missing)}]"
    if not NAME.fullmatch(str(content["name"])):
        return "Property name must be lower case, begin with a letter and hold letters, digits and underscores only"
    if content["type"] not in TYPES:
        return f"type must be one of: [{', '.join(TYPES)}]"
    options = content.get("options") or []
    if not isinstance(options, list) or not all(isinstance(one, dict) and one.get("value") for one in options):
        return "options must be a list of objects, each with a value"
    return Property(
        str(content["name"]),
        content["type"],
        tuple(str(one["value"]) for one in options),
        label=str(content["label"]),
        option_labels=tuple(str(one.get("label") or one["value"]) for one in options),
    )
