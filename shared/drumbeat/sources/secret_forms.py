"""A secret as it was meant, however it was copied: from a file, a terminal or a page."""

import base64
import binascii

_INVISIBLE = "\N{ZERO WIDTH NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{WORD JOINER}\0"
_URL_SAFE = str.maketrans("-_", "+/")


def cleaned(secret: str) -> str:
    """Return a secret without the spaces, line ends and invisible characters around it; "" when nothing is left."""
    return secret.strip().strip(_INVISIBLE).strip()


def key_bytes(text: str) -> bytes:
    """Read a key in base64: padded or not, in either alphabet, in one line or many; b"" when it is none."""
    letters = "".join(text.split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
