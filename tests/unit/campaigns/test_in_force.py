"""Which version an instant belongs to, by the times at which versions were applied."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from drumbeat.calendar import Calendar
from drumbeat.campaigns.in_force import InForce, Term, terms
from drumbeat.campaigns.sql import Version

DAY = datetime(2026, 3, 8, tzinfo=UTC)  # New York's clocks go forward


def entry(schedule: str, timezone: str = "UTC") -> dict[str, Any]:
    return {"schedule": schedule, "timezone": timezone, "on_gap": "shift"}


NINE, TEN = entry("cron(0 9 * * ? *)"), entry("cron(0 10 * * ? *)")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-08T{text}").replace(tzinfo=UTC)


def instants(found: list[Term], name: str = "digest") -> list[datetime]:
    end = DAY + timedelta(days=1)
    return sorted(each for term in found if term.campaign.name == name for each in term.instants(DAY, end))


def test_a_version_holds_from_its_time_on_and_until_the_next() -> None:
    early = [Version(DAY, {"digest": NINE}), Version(at("09:00:30"), {"digest": TEN})]
    late = [Version(DAY, {"digest": NINE}), Version(at("08:59:59.999999"), {"digest": TEN})]
    exact = [Version(DAY, {"digest": NINE}), Version(at("09:00"), {"digest": TEN})]

    assert instants(terms(early)) == [at("09:00"), at("10:00")]
    assert instants(terms(late)) == instants(terms(exact)) == [at("10:00")]


def test_what_did_not_change_is_one_term() -> None:
    found = terms([Version(at(f"0{hour}:00"), {"digest": NINE}) for hour in range(5)])

    assert [(term.since, term.until) for term in found] == [(at("00:00"), None)]


def test_a_clock_that_was_set_back_gives_no_instant_to_two_versions() -> None:
    found = terms(
        [
            Version(DAY, {"digest": NINE}),
            Version(at("09:30"), {"digest": entry("cron(15 9 * * ? *)")}),
            Version(at("08:30"), {"digest": TEN}),  # applied last
        ]
    )

    assert instants(found) == [at("10:00")]


def test_the_next_firing_is_that_of_the_version_in_force_at_its_time() -> None:
    known = InForce(at("08:00"), tuple(terms([Version(DAY, {"digest": NINE}), Version(at("09:30"), {"digest": TEN})])))

    assert [(found := known.after("digest", at(time))) and found.at for time in ("08:00", "09:00", "10:00")] == [
        at("09:00"),
        at("10:00"),
        at("10:00") + timedelta(days=1),
    ]
    assert known.after("other", DAY) is None


def test_however_often_it_is_edited_each_instant_belongs_to_the_newest_version_of_its_time() -> None:
    """Against the plainest reading there is, over a change of clocks."""
    for seed in range(30):
        chance = Random(seed)
        versions = [
            Version(
                DAY + timedelta(seconds=chance.randrange(86_400)),
                {
                    name: entry(f"cron({chance.randrange(0, 60, 15)} * * * ? *)", "America/New_York")
                    for name in ("digest", "news")
                    if chance.random() < 0.8
                },
            )
            for _ in range(chance.randint(1, 6))
        ]
        if chance.random() < 0.8:
            versions.sort(key=lambda version: version.applied_at)

        for name in ("digest", "news"):
            assert instants(terms(versions), name) == plainly(versions, name), seed


def plainly(versions: list[Version], name: str) -> list[datetime]:
    """Ask each minute of the day which version was in force, and whether it fires then."""
    found = []
    for minute in range(24 * 60 + 1):
        now = DAY + timedelta(minutes=minute)
        applied = [version for version in versions if version.applied_at <= now]
        campaign = applied[-1].campaigns.get(name) if applied else None
        if campaign and [*Calendar(campaign["schedule"], campaign["timezone"], "shift").between(now, now)]:
            found.append(now)
    return found


def test_a_campaign_without_a_schedule_is_in_force_and_has_no_instants() -> None:
    found = terms([Version(DAY, {"digest": entry("cron(0 9 * * ? *)") | {"schedule": None}})])

    assert [(term.campaign.name, term.calendar) for term in found] == [("digest", None)]
    assert instants(found) == []
    assert InForce(DAY, tuple(found)).following() == {"digest": None}


def test_a_time_that_each_person_has_fires_when_the_first_zone_has_it() -> None:
    found = terms([Version(DAY - timedelta(days=1), {"digest": NINE | {"timezone": "recipient"}})])

    assert instants(found) == [at("19:00")]  # the ninth, 9:00, at UTC+14


def test_an_edit_of_its_steps_moves_none_of_its_instants() -> None:
    step: dict[str, Any] = {"id": "a", "account": "m", "action": "send_email", "arguments": {}}
    step |= {"delay": 0.0, "after": None, "when": None, "unless": None}
    edited = NINE | {"timezone": "recipient", "audience": "all", "steps": [step]}

    found = terms(
        [Version(DAY - timedelta(days=1), {"digest": edited | {"steps": []}}), Version(at("12:00"), {"digest": edited})]
    )

    assert instants(found) == [at("19:00")]
