"""The form of reports for senders of the user's own: what a receiver of `http` calls posts back about its mails.

    {"id": "7c2e", "kind": "bounced", "key": "0b8f2d6e-93a1-5c77-8d1e-3f1f6f0f9a11-1", "at": "2026-03-01T12:00:00Z",
     "reference": "m-81", "email": "ada@example.com", "said": "550 5.1.1 no such user", "link": "", "machine": false}

Only `kind` is required. docs/configuration.md explains each field.
"""

from drumbeat.core.feedback import Kind, Report
from drumbeat.providers.words.base import Words, fields, instant, named, our_key, reference_of, text, word, words

_KINDS = {kind.value: kind for kind in Kind}


class Generic(Words):
    """One object for each report; `id` names it, and where there is none its content does."""

    def read(self, fact: object) -> Report:
        """Read one object."""
        given = fields(fact)
        kind = given.get("kind")
        if not isinstance(kind, str):
            raise ValueError("a report is an object with the text `kind`")
        key = our_key(given.get("key"))
        reference = reference_of(given.get("reference"), key)
        address = text(given.get("email"))
        link = text(given.get("link"))
        whose = key or reference or address
        return Report(
            name=named(given.get("id"), "http", kind, whose, given.get("at"), link),
            kind=_KINDS.get(kind, Kind.OTHER),
            word=word(kind),
            at=instant(given.get("at")),
            key=key,
            reference=reference,
            address=address or None,
            said=words(given.get("said")),
            link=link,
            machine=given.get("machine") is True,
        )


WORDS: Words = Generic()
