"""Reading an order to lie: fields from outside become a checked `Lie`, or a sentence that says what to write."""

from collections.abc import Mapping
from typing import Any

from drumbeat.sandbox.fault_kinds import ALL, KINDS, LOOKUPS, RETRY_AFTER, WRITES, Kind
from drumbeat.sandbox.faults import Lie

PROVIDERS = ("mailgun", "resend", "hubspot", "http")
COMMON = ("lie", "provider", "account", "on", "match", "rate", "seed", "times", "lasts")


class BadOrder(ValueError):
    """The order cannot be carried out; the message says what would be."""


def read_lie(number: int, order: Mapping[str, Any], machine_now: float) -> Lie:
    """Check an order and return its lie. Raises BadOrder.

    `seconds` is the lie's own measure (how long it hangs, lags, drips); `lasts` ends the lie after that many seconds,
    `times` after it was told that often.
    """
    kind = _kind(order.get("lie"))
    known = {*COMMON, *kind.settings}
    if unknown := sorted(set(order) - known):
        raise BadOrder(f"{kind.name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(sorted(known))}")
    provider = str(order.get("provider") or "*")
    if provider not in ("*", *PROVIDERS):
        raise BadOrder(f"provider {provider!r} is not one of *, {', '.join(PROVIDERS)}")
    on = str(order.get("on") or kind.on)
    if on not in (WRITES, LOOKUPS, ALL):
        raise BadOrder(f"on is {WRITES}, {LOOKUPS} or {ALL}, not {on!r}")
    rate = _number(order, "rate", 1.0)
    if not 0.0 <= rate <= 1.0:
        raise BadOrder(f"rate is a share between 0 and 1, not {rate}")
    times = order.get("times")
    lasts = order.get("lasts")
    return Lie(
        id=number,
        kind=kind,
        settings=_settings(kind, order),
        provider=provider,
        account=str(order["account"]) if order.get("account") else None,
        on=on,
        match=str(order.get("match") or ""),
        rate=rate,
        seed=int(_number(order, "seed", 0)),
        times=None if times in (None, "") else int(_number(order, "times", 0)),
        until=None if lasts in (None, "") else machine_now + _number(order, "lasts", 0.0),
    )


def _kind(name: object) -> Kind:
    kind = KINDS.get(str(name).replace("-", "_"))
    if kind is None:
        raise BadOrder(f"there is no lie {name!r}; there are {', '.join(KINDS)}")
    return kind


def _settings(kind: Kind, order: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, default in kind.settings.items():
        if isinstance(default, bool):
            settings[name] = order.get(name, default) in (True, "true", "on", "yes", "1", 1)
        elif isinstance(default, str):
            settings[name] = str(order.get(name, default))
        else:
            settings[name] = type(default)(_number(order, name, default))
    if settings.get("retry_after", "seconds") not in RETRY_AFTER:
        raise BadOrder(f"retry_after is one of {', '.join(RETRY_AFTER)}, not {settings['retry_after']!r}")
    if not 400 <= settings.get("status", 400) <= 599:
        raise BadOrder(f"status is an error status, 400 to 599, not {settings['status']}")
    if kind.name == "rate_limit" and not (settings["limit"] > 0 and settings["per"] > 0 and settings["burst"] >= 0):
        raise BadOrder("limit and per are above 0, burst is 0 or more")
    return settings


def _number(order: Mapping[str, Any], name: str, default: float) -> float:
    value = order.get(name, default)
    try:
        number = float(default if value in (None, "") else value)
    except (TypeError, ValueError):
        raise BadOrder(f"{name} is a number, not {value!r}") from None
    if not -1e12 < number < 1e12 or (number < 0 and name != "seed"):
        raise BadOrder(f"{name} is a number of 0 or more, not {value!r}")
    return number
