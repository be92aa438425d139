"""The errors Drumbeat raises on purpose.

DrumbeatError
├── SettingsError          a setting is missing or wrong
├── SecretMissing          a secret does not exist, may not be read or is empty
│   └── SecretAway         it cannot be known: the store of secrets does not answer
├── ConfigError            the configuration document has mistakes (all of them, with file and line)
├── NotUnderstood          a later release wrote what this one must not guess at   503
├── Invalid                a request cannot be understood                       400
├── Unauthorized           no key, a wrong key, a wrong signature               401
├── Forbidden              the key or the source does not allow this            403
├── NotFound               nothing by that name                                 404
├── Ambiguous              several ids begin with what was written              409
├── Stale                  the caller decided on an older version               409
├── TooLarge               over a stated limit                                  413
├── Encoded                the body is compressed or otherwise encoded          415
├── KeyReused              the idempotency key belongs to another body          422
├── FormRefused            fields of a form are unknown, missing or wrong       422
├── TooMany                more of one kind than is taken in a while            429
└── Unavailable            neither the ledger nor the buffer can store it now   503

InvalidAddress             a text is not one e-mail address (a ValueError)
"""

from dataclasses import dataclass
from uuid import UUID


class DrumbeatError(Exception):
    """Base of all of them."""


class InvalidAddress(ValueError):
    """The text is not one e-mail address. The message never holds the text."""


class SettingsError(DrumbeatError):
    """A setting is missing or wrong; names it."""


NOT_READABLE = "does not exist or may not be read"


@dataclass
class SecretMissing(DrumbeatError):
    """A secret does not exist, may not be read or cannot be used; its value is never part of the message."""

    reference: str
    kept: str = ""  # what was not lost
    why: str = NOT_READABLE

    @property
    def detail(self) -> str:
        """The reference, and why it is of no use where that is not what one expects."""
        return self.reference if self.why == NOT_READABLE else f"{self.reference} ({self.why})"

    def __str__(self) -> str:
        return f"secret {self.reference} {self.why}{self.kept}"


class SecretAway(SecretMissing):
    """The store of secrets does not answer, and the value was not read before; a later try may succeed."""

    def __str__(self) -> str:
        return f"secret {self.reference} cannot be read now{self.kept}"


@dataclass(frozen=True)
class Mistake:
    """One mistake in the configuration: where it is and what to write instead."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass
class ConfigError(DrumbeatError):
    """The configuration has mistakes."""

    mistakes: list[Mistake]

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes))


@dataclass
class Problem(DrumbeatError):
    """An error that an HTTP caller receives, as `application/problem+json`."""

    detail: str

    status = 500
    slug = "internal"
    title = "Something failed on our side"

    def __str__(self) -> str:
        return self.detail


class Invalid(Problem):
    """The request cannot be understood."""

    status, slug, title = 400, "invalid-request", "The request cannot be understood"


class Unauthorized(Problem):
    """No credentials, or wrong ones."""

    status, slug, title = 401, "unauthorized", "Who is calling could not be verified"


class Forbidden(Problem):
    """The caller is known but may not do this."""

    status, slug, title = 403, "forbidden", "This is not allowed"


class NotFound(Problem):
    """Nothing by that name."""

    status, slug, title = 404, "not-found", "There is nothing by that name"


@dataclass
class Ambiguous(Problem):
    """Several ids begin with what was written for one: `candidates` are the first of them.

    Not 404, for there is something; not 400, for what was asked is well written, and meant one alone an hour ago.
    """

    candidates: list[str]

    status, slug, title = 409, "ambiguous-id", "More than one is meant"


class Stale(Problem):
    """The caller decided on a version that has moved on."""

    status, slug, title = 409, "stale-version", "This cannot be done now"


@dataclass
class ConfigurationChanged(Problem):
    """What a run depends on was configured otherwise since it was planned: `differences` names each part."""

    differences: list[str]

    status, slug, title = 409, "configuration-changed", "The configuration is not the one that was planned by"


class TooLarge(Problem):
    """Over a stated limit."""

    status, slug, title = 413, "too-large", "The body is too large"


class Encoded(Problem):
    """The body is compressed or otherwise encoded."""

    status, slug, title = 415, "unsupported-encoding", "The body has to be sent as it is"


@dataclass
class KeyReused(Problem):
    """The idempotency key already names an event with another body."""

    event_id: UUID

    status, slug, title = 422, "idempotency-key-reused", "This idempotency key belongs to another body"


class FormRefused(Problem):
    """Fields of a form are unknown, missing, repeated or wrong."""

    status, slug, title = 422, "form-refused", "The form cannot be taken as it is"


@dataclass
class TooMany(Problem):
    """More of one kind than is taken in a while; later it is taken again."""

    retry_after: int

    status, slug, title = 429, "too-many", "This came too often"


@dataclass
class Unavailable(Problem):
    """Nothing could be stored; the caller has to try again."""

    retry_after: int = 30

    status, slug, title = 503, "unavailable", "Nothing can be stored right now"


class NotUnderstood(Problem):
    """A later release wrote a configuration or plan that this one must not act on."""

    status, slug, title = 503, "not-understood", "This release of Drumbeat is too old for that"


def place(error: BaseException) -> str:
    """Return file and line of an unexpected error; its message may hold personal data, its place does not."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "nowhere"
