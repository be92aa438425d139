"""A caller's JSON body, read as strictly as an event, and what several of them say."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from drumbeat.core.errors import Invalid
from drumbeat.ingest.request import one_key
from drumbeat.web import strict
from drumbeat.web.problems import mistakes
from drumbeat.web.requests import HttpEvent, body_of, key_of

LONGEST_REASON = 500
# Why a person decides so. One of blanks alone would be none to who reads the journal.
type Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_REASON)]
type Version = Annotated[int, Field(ge=0, lt=2**31)]  # of what a person has looked at, as the ledger counts it


class Keyed(BaseModel):
    """A request that is carried out once for each key; the key may come as the header Idempotency-Key instead."""

    model_config = ConfigDict(extra="forbid")
    idempotencyKey: str | None = None

    def key(self, event: HttpEvent) -> str:
        """Return the key, from the body or the header. Raises Invalid."""
        return one_key(key_of(event), self.idempotencyKey)


def body[M: BaseModel](event: HttpEvent, model: type[M]) -> M:
    """Return the JSON body as `model`. Raises Invalid and names each field that is wrong, never its value."""
    raw = body_of(event)
    document = strict.read(raw)
    if document.suspect:
        strict.check(document.value)
    try:
        return model.model_validate_json(raw, strict=True)  # as JSON, where a text may be an id or an instant
    except ValidationError as error:
        raise Invalid(f"{mistakes(error, 'the body', _names(model))}; nothing was changed") from None


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
