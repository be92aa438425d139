"""What a decision about many would be about: its effects, counted by what they have in common."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from drumbeat.core.status import Status
from drumbeat.ledger import legacy
from drumbeat.ledger.database import Database
from drumbeat.ledger.legacy import Cause
from drumbeat.views.derived import REASON
from drumbeat.views.totals import NOW, EffectGroup

COUNTED = 10_000  # effects; of more it is said that there are more
SHOWN = 100  # groups


@dataclass(frozen=True, slots=True)
class Selected:
    """The effects of a selection, in groups, the largest first. A decision about them names `at`: what changes later is
    not part of it. `more`: there are more than the total says.
    """

    at: datetime
    total: int
    more: bool
    groups: list[EffectGroup]
    left_out: int  # groups beyond those


SELECTED = f"""
    SELECT account, flow, step, reason_code, reason_detail, min(reason) AS reason, count(*) AS effects,
           min(updated_at) AS since, min(id::text)::uuid AS example,
           sum(count(*)) OVER ()::bigint AS total, count(*) OVER () AS groups
      FROM (SELECT id, account, flow, step, updated_at, {REASON}
              FROM effects e
             WHERE status = %(status)s
               AND (%(account)s::text IS NULL OR account = %(account)s)
               AND (%(event)s::uuid IS NULL OR event_id = %(event)s)
               AND (%(code)s::text IS NULL
                    OR coalesce(e.reason_code, 'legacy') = %(code)s
                       AND (%(detail)s::text IS NULL OR e.reason_detail = %(detail)s)
                    OR {legacy.HAS_SENTENCE})
               AND (%(since)s::timestamptz IS NULL OR updated_at >= %(since)s)
             LIMIT %(counted)s) AS chosen
     GROUP BY account, flow, step, reason_code, reason_detail
     ORDER BY effects DESC, account, flow, step, reason_code, reason_detail
     LIMIT %(shown)s
"""  # noqa: S608 - put together from constants


def selected(
    db: Database,
    status: Status,
    *,
    account: str | None = None,
    event: UUID | None = None,
    cause: Cause | None = None,
    since: datetime | None = None,
) -> Selected:
    """Count what a decision about these effects would take, as of an instant before the count; `since`: those that came
    to this status then or later.
    """
    at = db.run(NOW)[0]["at"]
    rows = db.run(
        SELECTED,
        {
            "status": status.value,
            "account": account,
            "event": event,
            "code": cause and cause.code.value,
            "detail": cause and cause.detail,
            "sentence": cause and cause.sentence,
            "since": since,
            "counted": COUNTED,
            "shown": SHOWN,
        },
    )
    total, groups = (rows[0]["total"], rows[0]["groups"]) if rows else (0, 0)
    found = [
        EffectGroup(**{name: value for name, value in row.items() if name not in ("total", "groups")}) for row in rows
    ]
    return Selected(at, total, total == COUNTED, found, groups - len(found))
