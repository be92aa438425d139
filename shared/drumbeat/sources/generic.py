"""Any sender that signs with an HMAC in a header: the scheme `hmac`, described by its options."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from drumbeat.sources.signature import (
    TRUST,
    TRUST_OPTION,
    Allowed,
    Delivery,
    Option,
    Scheme,
    Unverified,
    base64_text,
    content_key,
    digest,
    fresh,
    key_of,
    require,
    trusted_key,
)

ID, TIMESTAMP, BODY = "{id}", "{timestamp}", "{body}"
_PLACEHOLDER = re.compile(r"(\{id\}|\{timestamp\}|\{body\})")
_ADJACENT = re.compile(_PLACEHOLDER.pattern * 2)


def _signed_problem(value: str) -> str | None:
    if value.count(BODY) != 1:
        return 'signed must hold {body} once, like "{timestamp}.{body}"'
    if pair := _ADJACENT.search(value):
        return (
            f"signed puts nothing between {pair[1]} and {pair[2]}, so bytes could be moved from one to the other under"
            f" a good signature; write what your sender puts between them, like {pair[1]}.{pair[2]}"
        )
    return None


OPTIONS: Mapping[str, Option] = {
    "header": Option("the header that holds the signature", default="X-Signature"),
    "algorithm": Option("the hash of the HMAC", default="sha256", choices=("sha1", "sha256", "sha384", "sha512")),
    "encoding": Option("how the signature is written", default="hex", choices=("hex", "base64")),
    "prefix": Option("text before the signature, such as `sha256=`"),
    "id_header": Option(
        "the header that names the delivery, which `signed` has to hold as `{id}`; without it a repeat is known by its"
        " content"
    ),
    "timestamp_header": Option(
        "the header with the time in Unix seconds, judged by the source's `tolerance`; `signed` has to hold it as"
        " `{timestamp}`"
    ),
    "signed": Option(
        "what is signed, made of `{id}`, `{timestamp}` and one `{body}` with something between them; where it is not"
        " written, `{body}`, after `{timestamp}.` where there is a time",
        problem=_signed_problem,
    ),
    **TRUST_OPTION,
}


class Hmac(Scheme):
    """A signature scheme in the user's words.

    A configuration that was applied before these rules works on: an id that is not signed is not the key, and a time
    that is not signed is not judged, for it could be any.
    """

    name = "hmac"
    options = OPTIONS

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its id where that is signed, else by its content."""
        option = partial(_option, allowed.options)
        algorithm, encoding = option("algorithm"), option("encoding")
        if algorithm not in OPTIONS["algorithm"].choices or encoding not in OPTIONS["encoding"].choices:
            raise Unverified("the source's algorithm or encoding is not known")
        template = _template(allowed.options)
        id_header, time_header = option("id_header"), option("timestamp_header")
        name = delivery.header(id_header) if id_header and ID in template else ""
        time = delivery.header(time_header) if time_header and TIMESTAMP in template else ""
        if time:
            fresh(time, allowed)
        encode = base64_text if encoding == "base64" else bytes.hex
        prefix, signed = option("prefix"), _filled(template, name, time, delivery.body)
        require(
            (prefix + encode(digest(key, signed, algorithm=algorithm)) for key in allowed.secrets),
            [delivery.header(option("header"))],
        )
        if not name:
            return trusted_key(delivery.headers.get(id_header.lower()), content_key(delivery.body), allowed)
        if _unambiguous(name, template):
            return key_of(name)
        # The time is left out: a retry is signed under another.
        return content_key(_filled(template, name, "", delivery.body))

    def former_key(self, delivery: Delivery, allowed: Allowed) -> str | None:
        """Name the delivery by its id, signed or not."""
        name = delivery.headers.get(_option(allowed.options, "id_header").lower())
        return key_of(name) if name else None

    def signature_headers(self, options: Mapping[str, Any]) -> Sequence[str]:
        """Return the one that the source names."""
        return (_option(options, "header"),)

    def problems(self, options: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Ask for an id and a time that are signed."""
        return [*_problems(options)]


def _problems(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    template = _template(options)
    trusted = options.get(TRUST) is True
    if "id_header" in options and ID not in template and not trusted:
        yield (
            "id_header",
            f"id_header is not signed: signed is {template}, so a captured delivery could be sent again under any id."
            " Write {id} into signed, where your sender signs it; otherwise delete id_header, and a repeat is known by"
            f" its content (or write {TRUST}: true and bear that risk)",
        )
    if "timestamp_header" in options and TIMESTAMP not in template:
        yield (
            "timestamp_header",
            f"timestamp_header is not signed: signed is {template}, so an old delivery could be sent again with a new"
            " time. Write {timestamp} into signed, where your sender signs it; otherwise delete timestamp_header",
        )
    for placeholder, header in ((ID, "id_header"), (TIMESTAMP, "timestamp_header")):
        if placeholder in template and header not in options:
            yield "signed", f"signed holds {placeholder}, and nothing says where it comes from; add {header}"
    if trusted and "id_header" not in options:
        yield TRUST, f"{TRUST} trusts no header yet; add id_header or delete {TRUST}"
    if trusted and "id_header" in options and ID in template:
        yield TRUST, f"the id is signed, so there is nothing to trust; delete {TRUST}"


def _template(options: Mapping[str, Any]) -> str:
    return _option(options, "signed") or (f"{TIMESTAMP}.{BODY}" if _option(options, "timestamp_header") else BODY)


def _filled(template: str, name: str, time: str, body: bytes) -> bytes:
    values = {ID: name.encode(), TIMESTAMP: time.encode(), BODY: body}
    return b"".join(values[part] if part in values else part.encode() for part in _PLACEHOLDER.split(template))


def _unambiguous(name: str, template: str) -> bool:
    """Return whether the id ends where its sender ended it: no text that separates it in `signed` occurs in it."""
    parts = _PLACEHOLDER.split(template)  # text, placeholder, text, ..., text
    places = [place for place, part in enumerate(parts) if part == ID]
    between = {place + side for place in places for side in (-1, 1)} - {0, len(parts) - 1}
    return all(parts[place] and parts[place] not in name for place in between)


def _option(given: Mapping[str, object], name: str) -> str:
    return str(given.get(name) or OPTIONS[name].default)


SCHEME = Hmac()
