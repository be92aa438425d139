"""Random people and trees, hostile ones among them."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from drumbeat.core.audiences import (
    AllOf,
    AnyOf,
    Attribute,
    Bucket,
    Counted,
    FromSource,
    Happened,
    InAudience,
    Node,
    Not,
    OnList,
    Operator,
)
from tests.store.audiences.people import NOW, UNSET, Event, Person, Said

HOSTILE = (
    "'", '"', "%", "%s", "%(low)s", "{", "{}", "{0}", ";", "'; DROP TABLE leads; --", "\\", "$1", "a.b", "\u2028",
    "Ünïcödé ✓", "👩‍🚀", "x" * 64, "null", "v", "u", "NaN", "Infinity", "-inf", "1e5", "0x10", "١٢", " 3", "3 ", "+3",
)  # fmt: skip
NUMBERS = ("3", "-0.5", "03", "3.", ".5", "9" * 60, "9" * 61, "1" + "0" * 400, "-", ".", "1-2", "1.2.3", "")
TIMES = (
    "2026-01-31", "2026-02-30", "2024-02-29", "2026-02-29", "0000-01-01", "0001-01-01", "9999-12-31T23:59:59Z",
    "2026-01-31T09:00", "2026-01-31 09:00:00", "2026-01-31t09:00:00.5z", "2026-01-31T09:00:00.123456789+02:00",
    "2026-01-31T23:59:60Z", "2026-01-31T24:00:00", "2026-01-31T24:00:01", "2026-01-31T25:00", "2026-01-31T09:60",
    "2026-01-31T09:00:00-15:59", "2026-01-31T09:00:00+16:00", "2026-01-31T09:00:00+0530", "2026-01-31T09:00:00-03",
    "20260131", "2026-W05", "2026-1-3", "now", "yesterday", "infinity", "epoch", "2026-01-31 AD", "12/31/2026",
)  # fmt: skip
NAMES = ("plan", "seats", "a.b", *HOSTILE[:20])
KEYS = ("city", "0", "v", "'", "%s")
LISTS = ("news", "offers", "%s'")

texts = st.sampled_from((*HOSTILE, *NUMBERS, *TIMES, "true", "false", "trial", "TRIAL")) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
numbers = st.sampled_from((0, 3, -3, 3.0, 0.5, -0.5, 1e300, 1e-300, 2**53 - 1)) | st.integers(-5, 5)
written = texts | numbers | st.booleans()
wild = st.none() | written | st.sampled_from((10**400, 2**64, -(10**30)))
values: st.SearchStrategy[Any] = st.recursive(
    wild,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2),
    max_leaves=4,
)
moments = st.sampled_from([NOW - timedelta(days=days) for days in (-1, 0, 1, 29, 30, 31, 90)])


def _instants() -> st.SearchStrategy[str]:
    return st.sampled_from(("2026-01-31T00:00:00+00:00", "2026-01-31T09:00:00+00:00", "0001-01-02T00:00:00+00:00"))


paths = st.sampled_from(NAMES).map(lambda name: (name,)) | st.tuples(st.sampled_from(NAMES), st.sampled_from(KEYS))
attributes = st.one_of(
    st.builds(Attribute, paths, st.sampled_from((Operator.IS, Operator.IS_NOT)), written),
    st.builds(Attribute, paths, st.just(Operator.IN), st.lists(written, min_size=1, max_size=4).map(tuple)),
    st.builds(Attribute, paths, st.just(Operator.CONTAINS), written.filter(lambda one: one != "")),
    st.builds(Attribute, paths, st.just(Operator.STARTS_WITH), texts.filter(bool)),
    st.builds(Attribute, paths, st.sampled_from((Operator.AT_LEAST, Operator.AT_MOST)), numbers),
    st.builds(Attribute, paths, st.sampled_from((Operator.BEFORE, Operator.AFTER)), _instants()),
    st.builds(Attribute, paths, st.just(Operator.EXISTS), st.booleans()),
)
counted = st.builds(
    Counted,
    st.sampled_from(("clicked", "opened", "bounced")),
    st.sampled_from((None, 30 * 86_400.0, 1.0)),
    st.sampled_from((None, "digest", "%s'")),
    st.sampled_from((None, "mail", "other")),
) | st.builds(Counted, st.sampled_from(("LEAD_CAPTURE", "CONSENT")), st.sampled_from((None, 86_400.0)))
happened = st.builds(Happened, counted, st.integers(0, 2), st.none() | st.integers(0, 3))
leaves: st.SearchStrategy[Node] = st.one_of(
    attributes,
    attributes,
    st.builds(OnList, st.sampled_from(LISTS)),
    st.builds(FromSource, st.sampled_from(("site", "%s'"))),
    happened,
    st.builds(Bucket, st.sampled_from((0.001, 12.5, 50.0, 100.0))),
)


def trees(inner: st.SearchStrategy[Node] = leaves) -> st.SearchStrategy[Node]:
    """Return a strategy for trees of some leaves."""
    return st.recursive(
        inner,
        lambda part: st.one_of(
            st.builds(AllOf, st.lists(part, min_size=1, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(part, min_size=1, max_size=3).map(tuple)),
            st.builds(Not, part),
        ),
        max_leaves=6,
    )


audiences = st.fixed_dictionaries({"inner": trees(), "outer": trees(leaves | st.just(InAudience("inner")))})
facts = st.builds(
    Said, st.sampled_from((*LISTS, "*")), st.sampled_from(("given", "pending", "withdrawn")), st.booleans(), moments
).filter(lambda fact: fact.list != "*" or fact.kind == "withdrawn")
events = st.builds(
    Event,
    source=st.sampled_from(("site", "%s'")),
    type=st.sampled_from(("LEAD_CAPTURE", "CONSENT")),
    at=moments,
    kind=st.sampled_from((None, "clicked", "opened", "bounced")),
    machine=st.booleans(),
    campaign=st.sampled_from((None, "digest", "%s'")),
    step=st.sampled_from(("mail", "other")),
)
people = st.lists(
    st.builds(
        Person,
        st.binary(min_size=1, max_size=32),
        st.dictionaries(st.sampled_from(NAMES), values | st.just(UNSET), max_size=4),
        st.lists(facts, max_size=4),
        st.lists(events, max_size=3),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda person: person.key,
)
