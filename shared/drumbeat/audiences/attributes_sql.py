"""The value of an attribute, compared: true, false, or NULL where it is there and of another type than what is asked.

Nothing here can raise, whatever an attribute holds: a text is only read as a number or an instant where its form is
one. Forms and files know only texts, so a text that is written as a number, or as true or false, counts as that where
such a value is asked for.
"""

from collections.abc import Sequence

from psycopg.sql import SQL, Composable, Composed, Literal

from drumbeat.audiences.parameters import Parameters
from drumbeat.core.audiences import Attribute, Operator

# A text's form is told without a regular expression, which would cost more than all the rest: of a number its
# characters, of an instant its shape, with 0 for each digit. Whether a text of that form is one, Postgres says.
MOST_CHARACTERS = 60  # of a number
_TIMES = ("T00:00", "T00:00:00", *(f"T00:00:00.{'0' * digits}" for digits in range(1, 10)))
_OFFSETS = ("Z", "-00", "-0000", "-00:00")
LOCAL = ("0000-00-00", *(f"0000-00-00{time}" for time in _TIMES))
WITH_OFFSET = tuple(f"0000-00-00{time}{offset}" for time in _TIMES for offset in _OFFSETS)

_TEXT = SQL("({} #>> '{{}}')")
_IS_NUMBER = SQL("""
    translate({text}, '0123456789.-', '') = '' AND length({text}) <= {most} AND pg_input_is_valid({text}, 'numeric')
""")
# What is no text has another shape, so that nothing asks for its type.
_INSTANT = SQL("""
    CASE WHEN {text} IS NULL THEN false
         WHEN {shape} = ANY ({with_offset})
         THEN CASE WHEN pg_input_is_valid({text}, 'timestamptz') THEN {text}::timestamptz {sign} {asked} END
         WHEN {shape} = ANY ({local})
         THEN CASE WHEN pg_input_is_valid({text}, 'timestamp')
                   THEN {text}::timestamp AT TIME ZONE 'UTC' {sign} {asked} END
    END
""")
_SHAPE = SQL("translate({}, '123456789t z+', '000000000TTZ-')")
_TYPE = SQL("jsonb_typeof({})")
_BY_TYPE = SQL("CASE coalesce({}, 'null') {} WHEN 'null' THEN {} END")
_WHEN = SQL("WHEN {} THEN {}")
FALSE, TRUE, NULL = SQL("false"), SQL("true"), SQL("NULL")


def value(attribute: Attribute, parameters: Parameters) -> Composed:
    """Return what a lead has at the path: NULL where it has nothing, or where the attribute was taken back."""
    first, *inner = attribute.path
    entry = SQL("leads.attributes #> {}").format(parameters.texts([first, "v"]))
    # A key, and not the place in a list, which `#>` would take it for.
    return SQL("({})").format(SQL(" -> ").join([entry, *map(parameters.text, inner)]))


def verdict(attribute: Attribute, parameters: Parameters) -> Composed:
    """Return whether it is as asked."""
    asked, found = attribute.value, value(attribute, parameters)
    match attribute.operator:
        case Operator.IS:
            return _among(found, [asked], parameters)
        case Operator.IS_NOT:
            return SQL("NOT {}").format(_among(found, [asked], parameters))
        case Operator.IN:
            assert isinstance(asked, tuple)
            return _among(found, asked, parameters)
        case Operator.EXISTS:
            there = SQL("coalesce({}, 'null') <> 'null'").format(_TYPE.format(found))
            return SQL("({})" if asked else "(NOT {})").format(there)
        case Operator.CONTAINS:
            return _contains(found, asked, parameters)
        case Operator.STARTS_WITH:
            begins = SQL("starts_with({} #>> '{{}}', {})").format(found, parameters.text(str(asked)))
            return _by_type(found, {"string": begins})
        case Operator.AT_LEAST:
            return _compared(found, ">=", asked, parameters)
        case Operator.AT_MOST:
            return _compared(found, "<=", asked, parameters)
        case Operator.BEFORE:
            return _time(_text(attribute, parameters), "<", asked, parameters)
        case Operator.AFTER:
            return _time(_text(attribute, parameters), ">", asked, parameters)


def why(attribute: Attribute) -> str:
    """Say what a value is where the verdict about it is unknown."""
    match attribute.operator:
        case Operator.AT_LEAST | Operator.AT_MOST:
            return "is not a number"
        case Operator.BEFORE | Operator.AFTER:
            return "is not a date or time"
        case Operator.STARTS_WITH:
            return "is not a text"
        case Operator.CONTAINS:
            return "is not a list or text" if isinstance(attribute.value, str) else "is not a list"
    given = attribute.value if isinstance(attribute.value, tuple) else (attribute.value,)
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return "is not " + " or ".join(sorted({kinds[type(one)] for one in given}))


def _by_type(found: Composable, cases: dict[str, Composable]) -> Composed:
    """Decide by the type of what was found: nothing is false, and a type that is not among the cases unknown."""
    whens = [_WHEN.format(Literal(kind), then) for kind, then in cases.items()]
    return _BY_TYPE.format(_TYPE.format(found), SQL(" ").join(whens), FALSE)


def _among(found: Composable, asked: Sequence[object], parameters: Parameters) -> Composed:
    """Whether it is one of these. Unknown where none of these could be equal to what is of its type."""
    texts = [one for one in asked if isinstance(one, str)]
    truths = [one for one in asked if isinstance(one, bool)]
    numbers = [one for one in asked if isinstance(one, int | float) and not isinstance(one, bool)]
    cases: dict[str, Composable] = {"string": _text_among(found, texts, truths, numbers, parameters)}
    if numbers:
        cases["number"] = _equal(found, numbers, parameters)
    if truths:
        cases["boolean"] = _equal(found, truths, parameters)
    return _by_type(found, cases)


def _text_among(
    found: Composable,
    texts: Sequence[str],
    truths: Sequence[bool],
    numbers: Sequence[float],
    parameters: Parameters,
) -> Composable:
    """Compare a text with texts, and where it is written as a number or a truth value with those."""
    whens: list[Composable] = []
    if texts:
        whens.append(_WHEN.format(_equal(found, texts, parameters), TRUE))
    if truths:
        wanted = _equal(found, [str(one).lower() for one in truths], parameters)
        whens.append(_WHEN.format(_equal(found, ["true", "false"], parameters), wanted))
    if numbers:
        equal = SQL("({} #>> '{{}}')::numeric = ANY ({})").format(found, parameters.numbers(numbers))
        whens.append(_WHEN.format(_is_number(found, parameters), equal))
    if not truths and not numbers:
        return _equal(found, texts, parameters)
    return SQL("CASE {} ELSE {} END").format(SQL(" ").join(whens), FALSE if texts else NULL)


def _equal(found: Composable, asked: Sequence[str | float], parameters: Parameters) -> Composed:
    if len(asked) == 1:
        return SQL("{} = {}").format(found, parameters.json(asked[0]))
    return SQL("{} = ANY ({})").format(found, parameters.jsons(asked))


def _contains(found: Composable, asked: object, parameters: Parameters) -> Composed:
    assert isinstance(asked, str | int | float)
    cases: dict[str, Composable] = {"array": SQL("{} @> {}").format(found, parameters.json(asked))}
    if isinstance(asked, str):
        cases["string"] = SQL("strpos({} #>> '{{}}', {}) > 0").format(found, parameters.text(asked))
    return _by_type(found, cases)


def _compared(found: Composable, operator: str, asked: object, parameters: Parameters) -> Composed:
    assert isinstance(asked, int | float)
    sign = SQL(">=") if operator == ">=" else SQL("<=")
    number = SQL("{} {} {}").format(found, sign, parameters.json(asked))
    read = SQL("CASE WHEN {} THEN to_jsonb(({} #>> '{{}}')::numeric) {} {} END").format(
        _is_number(found, parameters), found, sign, parameters.json(asked)
    )
    return _by_type(found, {"number": number, "string": read})


def _text(attribute: Attribute, parameters: Parameters) -> Composed:
    """Return the same value as a text: NULL where there is nothing, or null."""
    first, *inner = attribute.path
    if not inner:
        return SQL("(leads.attributes #>> {})").format(parameters.texts([first, "v"]))
    return _TEXT.format(value(attribute, parameters))


def _time(text: Composable, operator: str, asked: object, parameters: Parameters) -> Composed:
    """A text without an offset is in UTC, and a day begins at midnight."""
    return _INSTANT.format(
        text=text,
        shape=_SHAPE.format(text),
        with_offset=parameters.texts(WITH_OFFSET),
        local=parameters.texts(LOCAL),
        sign=SQL("<") if operator == "<" else SQL(">"),
        asked=parameters.instant(asked),
    )


def _is_number(found: Composable, parameters: Parameters) -> Composed:
    return _IS_NUMBER.format(text=_TEXT.format(found), most=parameters.integer(MOST_CHARACTERS))
