"""Headers of an account's own, such as `Authorization: "Bearer {{ secret.token }}"`, filled when a request is signed.

They are credentials: read afresh for each attempt, never part of what is frozen, and no part of the account's identity.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from drumbeat.core.request import Request

_SECRET = re.compile(r"\{\{\s*secret\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"[ -~]+")  # printable ASCII: a line break would begin a header of its own
# Names and values that say that a credential stands there.
_CREDENTIAL_NAME = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)
_CREDENTIAL_VALUE = re.compile(r"\s*(basic|bearer|digest|token|apikey|aws4-\S*)\s", re.IGNORECASE)


def used(headers: Mapping[str, str]) -> set[str]:
    """Return the names of the secrets that these headers carry."""
    return {name for text in headers.values() for name in _SECRET.findall(text)}


def fit(value: str) -> bool:
    """Return whether a secret can stand in a header."""
    return _VALUE.fullmatch(value) is not None


def with_headers(request: Request, headers: Mapping[str, str], secrets: Mapping[str, str]) -> Request:
    """Return the request with these headers, filled, in place of its own by the same names.

    Raises:
        KeyError, ValueError: a secret is missing, or no header can hold it; the message never holds a value.
    """
    if not headers:
        return request
    filled = {name.lower(): _filled(name, text, secrets) for name, text in headers.items()}
    others = {name: value for name, value in request.headers.items() if name.lower() not in filled}
    return replace(request, headers=others | filled)


def problems(
    headers: Mapping[str, str], *, reserved: Collection[str], never: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with headers as they are written, by header: no value that could be a secret is quoted.

    `reserved` are names that are not the user's to say, `never` secrets that sign and do not travel.
    """
    seen: set[str] = set()
    for name, text in headers.items():
        if name.lower() in seen:
            yield name, f"{name} is there twice, in another case; delete one"
        seen.add(name.lower())
        if why := _problem(name, text, reserved, never):
            yield name, why


def _problem(name: str, text: str, reserved: Collection[str], never: Collection[str]) -> str | None:
    literal = _SECRET.sub("", text)
    if not _NAME.fullmatch(name):
        return f"{name!r} cannot be a header's name: letters, digits and -"
    if name.lower() in reserved:
        return f"{name} is set by Drumbeat itself; delete it"
    if sorted(signing := used({name: text}) & set(never)):
        return f"{name} would send {signing.pop()}, which signs and never travels; give the header a secret of its own"
    if any(mark in literal for mark in ("{{", "}}", "{%")):
        return f"{name} can only hold text and secrets of this account, like {{{{ secret.token }}}}"
    if not _VALUE.fullmatch(text):
        return f"{name} must be one line of printable ASCII"
    if literal == text and (_CREDENTIAL_NAME.search(name) or _CREDENTIAL_VALUE.match(text)):
        return (
            f'{name} holds a credential in plain text: write {name}: "{{{{ secret.token }}}}" (after Bearer, Basic or'
            " the like), and under secrets token: secret:NAME; if a real one stood here, change it at its provider"
        )
    return None


def _filled(name: str, text: str, secrets: Mapping[str, str]) -> str:
    value = _SECRET.sub(lambda found: secrets[found[1]], text)
    if not fit(value):
        raise ValueError(f"a secret of the header {name} is not one line of printable ASCII")
    return value
