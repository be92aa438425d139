"""What `apply` says of sources that report what became of an account's mails."""

import pytest

from drumbeat.configuration.document import compile_document
from drumbeat.core.compatibility import REPORTS
from drumbeat.core.configuration import Config
from drumbeat.core.errors import ConfigError, Mistake

SOURCE = "webhook: mailgun, secrets: [secret:key], type: FEEDBACK, speaks_for: mail"
SES = "{provider: ses, settings: {region: eu-central-1, from: a@mg.example.com, configuration_set: c}, secrets: {%s}}"
KEYS = "access_key_id: secret:a, secret_access_key: secret:b"


def document(source: str | None = SOURCE, *, more: str = "") -> str:
    sources = f"sources:\n  reports: {{{source}}}\n" if source else ""
    return f"""version: 1
accounts:
  mail:
    provider: mailgun
    settings: {{domain: mg.example.com, from: a@mg.example.com}}
    secrets: {{api_key: secret:mail}}
  crm: {{provider: hubspot, secrets: {{token: secret:crm}}}}
  office: {{provider: http, settings: {{base_url: "https://office.example.com"}}, secrets: {{signing_key: secret:o}}}}
{more}{sources}"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        compile_document(text, {})
    return [mistake.message for mistake in refused.value.mistakes]


def warnings(text: str) -> list[str]:
    found: list[Mistake] = []
    compile_document(text, {}, warn=found.append)
    return [each.message for each in found]


def test_a_source_knows_the_account_and_the_words_in_which_it_reports() -> None:
    compiled = compile_document(document(), {})

    source = Config.load(1, compiled).sources["reports"]
    assert (source.speaks_for, source.words) == ("mail", "mailgun")
    assert REPORTS in compiled["must_understand"]
    assert warnings(document()) == []


NOTHING = "does nothing beside speaks_for: reports are read as the account's provider words them; delete it"


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        (SOURCE.replace("for: mail", "for: mial"), "there is no account mial; did you mean mail?"),
        (SOURCE.replace("FEEDBACK", "LEAD_CAPTURE"), "a source that speaks for an account has the type FEEDBACK"),
        (f"{SOURCE}, map: {{a: b}}", f"map {NOTHING}"),
        (f"{SOURCE}, split: '@'", f"split {NOTHING}"),
    ],
    ids=["account", "type", "map", "split"],
)
def test_what_does_not_fit_is_refused_with_what_to_write(changed: str, wrong: str) -> None:
    assert wrong in mistakes(document(changed))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SOURCE.replace("webhook: mailgun", "webhook: github"), "mailgun reports by webhook: mailgun"),
        (SOURCE.replace("speaks_for: mail", "speaks_for: crm"), "crm sends no mail"),
        ("webhook: github, secrets: [secret:key], type: FEEDBACK, speaks_for: office", None),
    ],
    ids=["scheme", "no mail", "a sender of one's own"],
)
def test_what_may_be_a_mistake_is_a_warning(source: str, said: str | None) -> None:
    found = warnings(document(source))

    assert [each.startswith(said or "") for each in found] == ([True] if said else [])


def test_an_account_that_only_reports_can_settle_is_warned_of_where_nothing_speaks_for_it() -> None:
    silent = document(more=f"  courier: {SES % KEYS}\n")
    told = "told: {webhook: sns, topic: 'arn:aws:sns:eu-central-1:123456789012:t', type: FEEDBACK, speaks_for: courier}"
    heard = silent.replace("sources:\n", f"sources:\n  {told}\n")

    assert ["no source has speaks_for: courier" in each for each in warnings(silent)] == [True]
    assert warnings(heard) == []
