"""Which account a run's mails are sent by, once another version of the configuration is in force."""

from dataclasses import replace

from drumbeat.core.configuration import Account
from drumbeat.core.steps import Limit
from drumbeat.providers.login import as_planned
from tests.unit.configuration.samples import config


def account() -> Account:
    return config("  {}").accounts["mail"]


def test_a_run_keeps_its_sender_and_has_the_secrets_and_limits_of_today() -> None:
    planned = account()
    newest = replace(
        planned,
        settings={**planned.settings, "from": "Bob <bob@example.com>"},
        secrets={"api_key": "env:NEW"},
        limits=(Limit(10, 1, 10),),
    )

    kept = as_planned(planned, newest, None)

    assert kept.settings == planned.settings
    assert (kept.secrets, kept.limits) == (newest.secrets, newest.limits)


def test_of_another_login_a_run_has_nothing() -> None:
    planned = account()
    elsewhere = replace(planned, settings={**planned.settings, "domain": "other.example.com"}, secrets={"api_key": "x"})

    assert as_planned(planned, elsewhere, None) == planned
    assert as_planned(planned, replace(planned, provider="resend"), None) == planned
    assert as_planned(planned, None, None) == planned
