"""What a check of an installation results in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check. `fix` says what to do when it is not `ok`, or what is left to do although it is."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None
