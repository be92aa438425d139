"""A condition as a person writes it in the document."""

from drumbeat.core.audiences import (
    AllOf,
    AnyOf,
    Attribute,
    Bucket,
    FromSource,
    Happened,
    InAudience,
    Node,
    Not,
    OnList,
    Operator,
)

type Written = dict[str, object]

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def written(node: Node) -> Written:
    """Return a condition, or a tree of them."""
    match node:
        case AllOf(parts):
            return {"all": [written(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [written(part) for part in parts]}
        case Not(part):
            return {"not": written(part)}
        case Attribute(path, operator, value):
            name: object = list(path) if any("." in key for key in path) else ".".join(path)
            return {"field": name, operator.value: list(value) if operator is Operator.IN else value}  # type: ignore[arg-type]
        case OnList(name):
            return {"list": name}
        case FromSource(source):
            return {"source": source}
        case Happened():
            return _happened(node)
        case InAudience(audience):
            return {"audience": audience}
        case Bucket(percent):
            return {"bucket": f"{percent:g}%"}


def _happened(happened: Happened) -> Written:
    counted = happened.counted
    usual = int(happened.at_most is None)  # where the document does not say how often at least
    bounds = {"at_least": happened.at_least if happened.at_least != usual else None, "at_most": happened.at_most}
    around = {
        "within": None if counted.within is None else _duration(counted.within),
        "campaign": counted.campaign,
        "step": counted.step,
    }
    said = {name: value for name, value in {**around, **bounds}.items() if value is not None}
    return {"happened": counted.word, **said}


def _duration(seconds: float) -> str:
    whole = int(seconds)
    return next(f"{whole // size}{unit}" for unit, size in _UNITS if whole % size == 0)
