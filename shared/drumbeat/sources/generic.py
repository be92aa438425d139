"""Any sender that signs with an HMAC in a header: the scheme `hmac`, described by its options."""

from collections.abc import Mapping
from functools import partial

from drumbeat.sources.signature import (
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
)


def _signed_problem(value: str) -> str | None:
    if value.count("{body}") == 1:
        return None
    return 'signed must hold {body} once, like "{timestamp}.{body}"'


OPTIONS: Mapping[str, Option] = {
    "header": Option("the header that holds the signature", default="X-Signature"),
    "algorithm": Option("the hash of the HMAC", default="sha256", choices=("sha1", "sha256", "sha384", "sha512")),
    "encoding": Option("how the signature is written", default="hex", choices=("hex", "base64")),
    "prefix": Option("text before the signature, such as `sha256=`"),
    "id_header": Option("the header that names the delivery; without it a repeat is known by its content"),
    "timestamp_header": Option("the header with the time in Unix seconds, judged by the source's `tolerance`"),
    "signed": Option(
        "what is signed, made of `{id}`, `{timestamp}` and one `{body}`; where it is not written, `{body}`, after"
        " `{timestamp}.` where there is a time",
        problem=_signed_problem,
    ),
}


class Hmac(Scheme):
    """A signature scheme in the user's words."""

    name = "hmac"
    options = OPTIONS

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its id header, else by its content."""
        option = partial(_option, allowed.options)
        algorithm, encoding = option("algorithm"), option("encoding")
        if algorithm not in OPTIONS["algorithm"].choices or encoding not in OPTIONS["encoding"].choices:
            raise Unverified("the source's algorithm or encoding is not known")
        name = delivery.header(id_header) if (id_header := option("id_header")) else ""
        time = delivery.header(time_header) if (time_header := option("timestamp_header")) else ""
        if time:
            fresh(time, allowed)
        before, _, after = (option("signed") or ("{timestamp}.{body}" if time else "{body}")).partition("{body}")
        head, tail = (text.replace("{id}", name).replace("{timestamp}", time).encode() for text in (before, after))
        encode = base64_text if encoding == "base64" else bytes.hex
        prefix = option("prefix")
        require(
            (prefix + encode(digest(key, head, delivery.body, tail, algorithm=algorithm)) for key in allowed.secrets),
            [delivery.header(option("header"))],
        )
        return key_of(name) if name else content_key(delivery.body)


def _option(given: Mapping[str, object], name: str) -> str:
    return str(given.get(name) or OPTIONS[name].default)


SCHEME = Hmac()
