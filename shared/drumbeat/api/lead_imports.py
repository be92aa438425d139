"""`/v1/leads/import`: rows of a file of people, in chunks."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drumbeat.api.access import OPERATE
from drumbeat.api.response import Answer, reply
from drumbeat.api.routing import ApiRoutes
from drumbeat.core.errors import TooLarge
from drumbeat.core.lead_limits import MAX_IMPORT_BYTES, MAX_IMPORT_ROWS
from drumbeat.ingest.door import Door
from drumbeat.people import imports
from drumbeat.services import services
from drumbeat.web.requests import size_of

MAX_ROW_NUMBER = 2**53 - 1

router = ApiRoutes()


class ImportedRow(BaseModel):
    """One row: its number in the file, and its fields by name."""

    model_config = ConfigDict(extra="forbid", strict=True)
    row: int = Field(ge=1, le=MAX_ROW_NUMBER)
    fields: dict[str, object]


class Chunk(BaseModel):
    """Some rows of one file, and what they say about consent."""

    model_config = ConfigDict(extra="forbid")
    file: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rows: list[ImportedRow] = Field(min_length=1, max_length=MAX_IMPORT_ROWS)
    mode: imports.Mode = imports.Mode.NONE
    list: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    consent: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")] | None = None


@dataclass(frozen=True, slots=True)
class ChunkTaken:
    """What became of some rows."""

    results: imports.Imported


@router.post("/v1/leads/import", middlewares=OPERATE)
def import_leads(chunk: Chunk) -> Answer[ChunkTaken]:
    """Record rows of a file, each once. Harmless to repeat: those that are known already are counted as replayed.

    Nothing is buffered: while the ledger is away this answers 503, and the same rows are sent again.
    """
    event = router.current_event.raw_event
    if (size := size_of(event)) > MAX_IMPORT_BYTES:
        raise TooLarge(f"Rows may have {MAX_IMPORT_BYTES} bytes, these have {size}. Nothing was stored; send fewer.")
    rows = imports.Rows(
        chunk.file, [(row.row, row.fields) for row in chunk.rows], chunk.mode, chunk.list, chunk.consent
    )
    return reply(ChunkTaken(imports.record(rows, Door(services()), caller=router.caller, actor=router.actor)))
