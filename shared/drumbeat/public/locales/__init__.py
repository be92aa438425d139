"""What the pages say, a file for each language. A new one needs its file, and its name in `LOCALES` of the core."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Said:
    """One page that only says something."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """Every text of every page in one language; a language without one of them cannot be made."""

    language: str
    # forms
    form_title: str
    form_button: str
    form_subscribe: str  # the button of a form that signs up for a list
    form_agree: str  # {title} and {about} of a list: what a person agrees to
    form_about: str  # in place of a description
    form_flawed: str  # above a form that was not taken
    form_unsent: str  # the same where no field is marked; what is wrong follows
    optional: str
    leave_empty: str  # beside the field that people do not see
    labels: Mapping[str, str]  # of fields by their name; another is shown by its name
    flaws: Mapping[str, str]  # by the code of `fields`
    # the page of a confirmation
    confirm_title: str
    confirm_text: str
    confirm_button: str
    again_title: str
    again_text: str
    # the page of an unsubscribe link
    leave_title: str
    leave_text: str
    leave_button: str
    leave_only_text: str  # where there is one list
    leave_only_button: str  # {title}
    leave_single: str
    leave_ticked: str
    leave_everything_text: str
    leave_everything: str
    # answers
    check_inbox: Said
    sent: Said
    confirmed: Said
    confirm_received: Said  # while the ledger is away
    expired: Said
    left_since: Said
    unknown_sign_up: Said
    left_list: Said
    left_some: Said
    left_everything: Said
    unknown_mail: Said
    no_link: Said
    no_form: Said
    not_read: Said
    too_large: Said
    too_often: Said
    unavailable: Said
    failed: Said


@cache
def words_of(locale: str) -> Words:
    """Return the words of a language that is in `LOCALES`."""
    words: Words = importlib.import_module(f"{__name__}.{locale}").WORDS
    return words
