"""What one release wrote, read by another: unknown fields are ignored, what must be understood is not guessed at."""

from copy import deepcopy
from typing import Any

import pytest

from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Config, LookPolicy
from drumbeat.core.errors import NotUnderstood

COMPILED: dict[str, Any] = {
    "accounts": {
        "mail": {
            "provider": "mailgun",
            "settings": {"domain": "mg.example.com"},
            "secrets": {},
            "limits": [{"count": 1, "period": 1, "burst": 1}],
            "retry": {"tries": 5, "base": 1.0, "cap": 900.0},
            "on_unknown": "hold",
            "lookup": {"looks": [60.0, 300.0], "retention": 3600.0},
        }
    },
    "sources": {
        "shop": {
            "door": "webhook",
            "scheme": "github",
            "type": "LEAD_CAPTURE",
            "secrets": ["env:SHOP"],
            "tolerance": 300.0,
            "map": {},
            "options": {},
        }
    },
    "flows": {
        "welcome": {
            "on": "LEAD_CAPTURE",
            "when": None,
            "steps": [
                {
                    "id": "hello",
                    "account": "mail",
                    "action": "send_email",
                    "arguments": {},
                    "delay": 0.0,
                    "after": None,
                    "when": None,
                    "unless": None,
                }
            ],
        }
    },
    "campaigns": {"digest": {"schedule": "rate(1 day)", "timezone": "UTC", "on_gap": "shift"}},
    "templates": {"hi": {"subject": "Hi", "html": None, "text": "Hi"}},
}


def test_a_configuration_without_a_number_is_planned_by_the_first_rules() -> None:
    assert Config.load(1, COMPILED).semantics == 1


@pytest.mark.parametrize(
    ("written", "planned_by"), [(1, 1), (SEMANTICS, SEMANTICS), (SEMANTICS + 1, SEMANTICS)], ids=str
)
def test_it_is_planned_by_its_own_rules_or_the_newest_that_are_known(written: int, planned_by: int) -> None:
    assert Config.load(1, COMPILED | {"semantics": written}).semantics == planned_by


PLACES: list[tuple[str | int, ...]] = [
    (),
    ("accounts", "mail"),
    ("accounts", "mail", "retry"),
    ("accounts", "mail", "limits", 0),
    ("accounts", "mail", "lookup"),
    ("sources", "shop"),
    ("flows", "welcome"),
    ("flows", "welcome", "steps", 0),
    ("campaigns", "digest"),
    ("templates", "hi"),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)) or "top")
def test_a_field_of_a_later_release_is_ignored_wherever_it_stands(place: tuple[str | int, ...]) -> None:
    later: Any = deepcopy(COMPILED)
    entry = later
    for step in place:
        entry = entry[step]
    entry["moon"] = {"phase": "full"}

    assert Config.load(1, later) == Config.load(1, COMPILED)


def test_everything_that_is_known_comes_back() -> None:
    account = Config.load(1, COMPILED).accounts["mail"]

    assert account.lookup == LookPolicy((60.0, 300.0), 3600.0)
    assert (account.name, account.retry.base, account.limits[0].count) == ("mail", 1.0, 1)


def test_what_must_be_understood_and_is_not_says_what_to_do_and_that_nothing_is_lost() -> None:
    later = COMPILED | {"must_understand": ["sundials", "moon phases"]}

    with pytest.raises(NotUnderstood) as refused:
        Config.load(7, later)

    assert str(refused.value).startswith("Configuration version 7 needs a release of Drumbeat that knows moon phases")
    assert "Nothing is lost" in str(refused.value)
    assert "drumbeat apply" in str(refused.value)


def test_a_list_of_nothing_is_understood() -> None:
    assert Config.load(1, COMPILED | {"must_understand": []}) == Config.load(1, COMPILED)


def test_a_plan_is_made_again_by_its_own_rules() -> None:
    version = Config.load(1, COMPILED | {"semantics": 2})

    assert (version.by(2), version.by(1).semantics) == (version, 1)
    with pytest.raises(NotUnderstood, match=f"rules {SEMANTICS + 1}"):
        version.by(SEMANTICS + 1)
