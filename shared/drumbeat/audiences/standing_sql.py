"""Conditions that are never unknown: consent to a list, how often something happened, and the part of all people."""

from decimal import Decimal

from psycopg.sql import SQL, Composable, Composed

from drumbeat.audiences.parameters import Parameters
from drumbeat.core.audiences import Happened

# As consent_state(consents, list) = 'given', of which each row would cost a sort.
_GIVEN = SQL("""
    CASE WHEN contacts.consents -> {list} -> 'd' IS NULL AND contacts.consents #> '{{*,d}}' IS NULL
         THEN coalesce((contacts.consents -> {list} #>> '{{m,0}}')::bigint
                       < coalesce((contacts.consents -> {list} #>> '{{o,0}}')::bigint, 9223372036854775807), false)
         WHEN contacts.consents #> '{{*,d}}' IS NULL THEN contacts.consents -> {list} #>> '{{d,1}}' = 'given'
         WHEN contacts.consents -> {list} -> 'd' IS NULL THEN contacts.consents #>> '{{*,d,1}}' = 'given'
         WHEN (contacts.consents -> {list} #>> '{{d,0}}')::bigint > (contacts.consents #>> '{{*,d,0}}')::bigint
         THEN contacts.consents -> {list} #>> '{{d,1}}' = 'given'
         WHEN (contacts.consents -> {list} #>> '{{d,0}}')::bigint < (contacts.consents #>> '{{*,d,0}}')::bigint
         THEN contacts.consents #>> '{{*,d,1}}' = 'given'
         ELSE contacts.consents -> {list} #>> '{{d,1}}' = 'given' AND contacts.consents #>> '{{*,d,1}}' = 'given'
    END
""")
_AT_LEAST, _AT_MOST = SQL("{} >= {}"), SQL("{} <= {}")
PLACE = SQL("sha256('drumbeat:bucket'::bytea || leads.contact)")
_ALL_PLACES = 2**64


def given(mailing_list: Composable) -> Composed:
    """Return whether consent to a list is given, for a row of contacts."""
    return _GIVEN.format(list=mailing_list)


def often(happened: Happened, count: Composable, parameters: Parameters) -> Composed:
    """Return whether a count is as asked."""
    bounds = [_AT_LEAST.format(count, parameters.integer(happened.at_least))]
    if happened.at_most is not None:
        bounds.append(_AT_MOST.format(count, parameters.integer(happened.at_most)))
    return SQL(" AND ").join(bounds)


def in_bucket(percent: float, parameters: Parameters) -> Composable:
    """Return whether a row of leads is in that part of all people: by a hash that nothing else depends on."""
    share = int(Decimal(repr(percent)) * _ALL_PLACES / 100)
    if share >= _ALL_PLACES:
        return SQL("true")
    return SQL("{} < {}").format(PLACE, parameters.bytes(share.to_bytes(8)))
