"""What happened to people, counted for all of them at once: one grouped SELECT for each thing that is counted.

`event_contacts` leads from people to what was received about them, reports included, in the order of its key: so a
statement over a range of contacts reads that range alone.
"""

from datetime import datetime, timedelta

from psycopg.sql import SQL, Composable, Composed

from drumbeat.audiences.parameters import Parameters
from drumbeat.core.audiences import REPORTED, Counted

# An index serves these bounds whatever the plan was made for; no key is as long as the last.
_IN_RANGE = SQL("""
    {column} >= coalesce(%(low)s::bytea, '') AND {column} < coalesce(%(high)s::bytea, decode(repeat('ff', 64), 'hex'))
""")
_EVERYWHERE = SQL("true")
CONTACT = SQL("named.contact")

_REPORTS = SQL("""
    SELECT named.contact, count(*) AS n
      FROM event_contacts AS named
      JOIN feedback ON feedback.event_id = named.event_id
     WHERE {range} AND feedback.kind = {word} AND feedback.at <= {at} {conditions}
     GROUP BY named.contact
""")
_RECEIVED = SQL("""
    SELECT named.contact, count(*) AS n
      FROM event_contacts AS named
      JOIN events ON events.id = named.event_id
     WHERE {range} AND events.type = {word} AND named.received_at <= {at} {conditions}
     GROUP BY named.contact
""")
_FROM = SQL("""
    SELECT DISTINCT named.contact
      FROM event_contacts AS named
      JOIN events ON events.id = named.event_id
     WHERE {range} AND events.source = {source}
""")
_BY_A_PROGRAM = SQL("AND NOT feedback.machine")
_SINCE = SQL("AND {} > {}")
_OF_MAILS = SQL("""
       AND EXISTS (SELECT FROM effects WHERE effects.id = feedback.effect_id {})
""")
_OF_STEP = SQL("AND effects.step = {}")
_OF_CAMPAIGN = SQL("""
           AND effects.event_id IN (SELECT id FROM events WHERE source = {} AND type = 'CAMPAIGN_TRIGGER')
""")


def within(column: SQL, *, whole: bool) -> Composable:
    """Return whether a contact lies in the range that the parameters `low` and `high` say; `whole`: there is none."""
    return _EVERYWHERE if whole else _IN_RANGE.format(column=column)


def counts(counted: Counted, at: datetime, parameters: Parameters, *, whole: bool) -> Composed:
    """Return a SELECT of how often it happened, for each contact to whom it did: up to `at`, and no earlier than asked.

    Opens and clicks that say themselves that a program made them are not counted.
    """
    is_reported = counted.word in REPORTED
    time = SQL("feedback.at") if is_reported else SQL("named.received_at")
    conditions: list[Composable] = []
    if counted.within is not None:
        since = parameters.instant(at - timedelta(seconds=counted.within))
        conditions.append(_SINCE.format(time, since))
        if is_reported:  # what a report tells of happened before it was received: fewer rows to join
            conditions.append(_SINCE.format(SQL("named.received_at"), since))
    if counted.word in ("opened", "clicked"):
        conditions.append(_BY_A_PROGRAM)
    if counted.campaign is not None or counted.step is not None:
        conditions.append(_OF_MAILS.format(_mails(counted, parameters)))
    return (_REPORTS if is_reported else _RECEIVED).format(
        range=within(CONTACT, whole=whole),
        word=parameters.text(counted.word),
        at=parameters.instant(at),
        conditions=SQL(" ").join(conditions),
    )


def from_source(source: str, parameters: Parameters, *, whole: bool) -> Composed:
    """Return a SELECT of each contact whom an event of the source names."""
    return _FROM.format(range=within(CONTACT, whole=whole), source=parameters.text(source))


def _mails(counted: Counted, parameters: Parameters) -> Composed:
    parts: list[Composable] = []
    if counted.step is not None:
        parts.append(_OF_STEP.format(parameters.text(counted.step)))
    if counted.campaign is not None:
        parts.append(_OF_CAMPAIGN.format(parameters.text(counted.campaign)))
    return SQL(" ").join(parts)
