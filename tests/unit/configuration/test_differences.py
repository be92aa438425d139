"""What applying would change, in words."""

import pytest

from drumbeat.configuration.differences import Written, differences

BEFORE = """
version: 1
defaults: {timezone: Europe/Berlin}
accounts:
  mail: {provider: mailgun, limits: ["10/s"]}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {id: contact, account: crm, with: {email: "{{ payload.email }}"}}
      - {id: hello, account: mail, with: {subject: Hello, text: Welcome}}
"""


def changes(
    before: str | None, after: str, was: dict[str, str] | None = None, now: dict[str, str] | None = None
) -> str:
    found = differences(None if before is None else Written(before, was or {}), Written(after, now or {}))
    return "\n".join(str(each) for each in found)


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('limits: ["10/s"]', 'limits: ["5/s"]', 'changed  account mail: limits ["10/s"] -> ["5/s"]'),
        ("subject: Hello", "subject: Hi", 'changed  flow welcome, step hello: with.subject "Hello" -> "Hi"'),
        (", text: Welcome", "", 'changed  flow welcome, step hello: with.text "Welcome" -> nothing'),
        ("text: Welcome", "text: " + "long " * 40, "changed  flow welcome, step hello: with.text"),
        ("on: LEAD_CAPTURE", "on: CONTENT_PUBLISH", 'changed  flow welcome: on "LEAD_CAPTURE" -> "CONTENT_PUBLISH"'),
        ("id: hello", "id: hi", "added    flow welcome, step hi\nremoved  flow welcome, step hello"),
        ("  welcome:", "  hail:", "added    flow hail\nremoved  flow welcome"),
        ("Europe/Berlin", "Asia/Tokyo", 'changed  defaults.timezone: "Europe/Berlin" -> "Asia/Tokyo"'),
        ("accounts:\n  mail:", "accounts:\n  post:", "added    account post\nremoved  account mail"),
        ("version: 1", "version: 1 # the first", ""),
    ],
)
def test_each_part_that_changed_is_one_line(written: str, instead: str, said: str) -> None:
    assert changes(BEFORE, BEFORE.replace(written, instead)) == said


def test_steps_in_another_order_are_a_change() -> None:
    *head, contact, hello = BEFORE.strip().splitlines()

    assert changes(BEFORE, "\n".join([*head, hello, contact])) == (
        "changed  flow welcome: its steps stand in another order"
    )


def test_beside_nothing_everything_is_added() -> None:
    assert changes(None, BEFORE, now={"hello.txt": "Hello"}).splitlines() == [
        "added    account mail",
        "added    flow welcome",
        "added    template hello.txt",
    ]


def test_templates_are_compared_by_their_files() -> None:
    was = {"a.txt": "one\ntwo\n", "b.txt": "same", "c.txt": "gone"}
    now = {"a.txt": "one\n2\n", "b.txt": "same", "d.txt": "new"}

    assert changes(BEFORE, BEFORE, was, now).splitlines() == [
        "changed  template a.txt: 2 lines",
        "removed  template c.txt",
        "added    template d.txt",
    ]


@pytest.mark.parametrize("broken", ["", "[", "flows: 3", "flows: {welcome: [1]}", "flows: {welcome: {steps: [1, {}]}}"])
def test_what_is_no_configuration_is_compared_all_the_same(broken: str) -> None:
    assert "flow welcome" in changes(broken, BEFORE)
    assert "flow welcome" in changes(BEFORE, broken)


def test_what_others_wrote_cannot_command_the_terminal() -> None:
    assert "\x9b" not in changes(BEFORE, BEFORE.replace("Hello", "\x9b2J"))
