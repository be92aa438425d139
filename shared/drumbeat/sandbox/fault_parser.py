"""Parsing a fault: fields from outside become a checked `Fault`, or a sentence that says what to write instead."""

from collections.abc import Mapping
from typing import Any

from drumbeat.sandbox.errors import InvalidCommand
from drumbeat.sandbox.fault_kinds import ALL, FAULT_KINDS, LOOKUPS, ODD_IDS, RETRY_AFTER, WRITES, FaultKind
from drumbeat.sandbox.faults import Fault
from drumbeat.sandbox.vendors import registry

COMMON_FIELDS = ("lie", "provider", "account", "on", "match", "rate", "seed", "times", "lasts")


def parse_fault(number: int, command: Mapping[str, Any], machine_now: float) -> Fault:
    """Check the fields and return their fault. Raises InvalidCommand.

    `seconds` is the fault's own setting (how long it hangs or lags); `lasts` ends the fault after that many seconds,
    `times` after so many requests have met it.
    """
    kind = _kind(command.get("lie"))
    known = {*COMMON_FIELDS, *kind.settings}
    if unknown := sorted(set(command) - known):
        raise InvalidCommand(
            f"{kind.name} has no setting {', '.join(map(repr, unknown))}; it has {', '.join(sorted(known))}"
        )
    provider = str(command.get("provider") or "*")
    if provider not in ("*", *registry.names()):
        raise InvalidCommand(f"provider {provider!r} is not one of *, {', '.join(registry.names())}")
    on = str(command.get("on") or kind.on)
    if on not in (WRITES, LOOKUPS, ALL):
        raise InvalidCommand(f"on is {WRITES}, {LOOKUPS} or {ALL}, not {on!r}")
    rate = _number(command, "rate", 1.0)
    if not 0.0 <= rate <= 1.0:
        raise InvalidCommand(f"rate is a share between 0 and 1, not {rate}")
    times = command.get("times")
    lasts = command.get("lasts")
    return Fault(
        id=number,
        kind=kind,
        settings=_settings(kind, command),
        provider=provider,
        account=str(command["account"]) if command.get("account") else None,
        on=on,
        match=str(command.get("match") or ""),
        rate=rate,
        seed=int(_number(command, "seed", 0)),
        times=None if times in (None, "") else int(_number(command, "times", 0)),
        until=None if lasts in (None, "") else machine_now + _number(command, "lasts", 0.0),
    )


def _kind(name: object) -> FaultKind:
    kind = FAULT_KINDS.get(str(name).replace("-", "_"))
    if kind is None:
        raise InvalidCommand(f"there is no lie {name!r}; there are {', '.join(FAULT_KINDS)}")
    return kind


def _settings(kind: FaultKind, command: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, default in kind.settings.items():
        if isinstance(default, bool):
            settings[name] = command.get(name, default) in (True, "true", "on", "yes", "1", 1)
        elif isinstance(default, str):
            settings[name] = str(command.get(name, default))
        else:
            settings[name] = type(default)(_number(command, name, default))
    if settings.get("retry_after", "seconds") not in RETRY_AFTER:
        raise InvalidCommand(f"retry_after is one of {', '.join(RETRY_AFTER)}, not {settings['retry_after']!r}")
    if settings.get("form", "cycle") not in ODD_IDS:
        raise InvalidCommand(f"form is one of {', '.join(ODD_IDS)}, not {settings['form']!r}")
    if not 400 <= settings.get("status", 400) <= 599:
        raise InvalidCommand(f"status is an error status, 400 to 599, not {settings['status']}")
    if kind.name == "rate_limit" and not (settings["limit"] > 0 and settings["per"] > 0 and settings["burst"] >= 0):
        raise InvalidCommand("limit and per are above 0, burst is 0 or more")
    return settings


def _number(command: Mapping[str, Any], name: str, default: float) -> float:
    value = command.get(name, default)
    try:
        number = float(default if value in (None, "") else value)
    except (TypeError, ValueError):
        raise InvalidCommand(f"{name} is a number, not {value!r}") from None
    if not -1e12 < number < 1e12 or (number < 0 and name != "seed"):
        raise InvalidCommand(f"{name} is a number of 0 or more, not {value!r}")
    return number
