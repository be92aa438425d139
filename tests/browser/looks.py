"""How a page is looked at."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Look:
    """How wide and high a window is, and which colours its reader likes."""

    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"

    def __str__(self) -> str:
        return f"{self.width} pixels, {self.scheme}"


DESKTOP = Look(1280, 800)
TELEPHONE = Look(390, 844)
LOOKS = (DESKTOP, Look(1280, 800, "dark"), Look(390, 844, "dark"), TELEPHONE)
BOTH_WAYS = (LOOKS[0], LOOKS[2])  # each width and each scheme once
