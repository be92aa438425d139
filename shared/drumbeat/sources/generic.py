"""Any sender that signs with an HMAC in a header: the scheme `hmac`, described by its options.

| option             | default      | meaning                                                                  |
|--------------------|--------------|--------------------------------------------------------------------------|
| `header`           | X-Signature  | where the signature is                                                   |
| `algorithm`        | sha256       | sha1, sha256, sha384 or sha512                                           |
| `encoding`         | hex          | hex or base64                                                            |
| `prefix`           |              | text before the signature, such as `sha256=`                             |
| `id_header`        |              | names the delivery; without it, a repeat is known by its content         |
| `timestamp_header` |              | unix seconds; judged by the source's tolerance                           |
| `signed`           | `{body}`     | what is signed, from `{id}`, `{timestamp}` and one `{body}`; with a      |
|                    |              | timestamp header `{timestamp}.{body}`                                    |
"""

from collections.abc import Mapping
from functools import partial

from drumbeat.sources.signature import (
    Allowed,
    Delivery,
    Unverified,
    base64_text,
    content_key,
    digest,
    fresh,
    key_of,
    require,
)

ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})
ENCODINGS = frozenset({"hex", "base64"})


class Hmac:
    """A signature scheme in the user's words."""

    name = "hmac"
    options: Mapping[str, bool] = dict.fromkeys(
        ("header", "algorithm", "encoding", "prefix", "id_header", "timestamp_header", "signed"), False
    )
    form = False

    def verify(self, delivery: Delivery, allowed: Allowed) -> str:
        """Name the delivery by its id header, else by its content."""
        option = partial(_option, allowed.options)
        algorithm, encoding = option("algorithm", "sha256"), option("encoding", "hex")
        if algorithm not in ALGORITHMS or encoding not in ENCODINGS:
            raise Unverified("the source's algorithm or encoding is not known")
        name = delivery.header(id_header) if (id_header := option("id_header")) else ""
        time = delivery.header(time_header) if (time_header := option("timestamp_header")) else ""
        if time:
            fresh(time, allowed)
        before, _, after = option("signed", "{timestamp}.{body}" if time else "{body}").partition("{body}")
        head, tail = (text.replace("{id}", name).replace("{timestamp}", time).encode() for text in (before, after))
        encode = base64_text if encoding == "base64" else bytes.hex
        prefix = option("prefix")
        require(
            (prefix + encode(digest(key, head, delivery.body, tail, algorithm=algorithm)) for key in allowed.secrets),
            [delivery.header(option("header", "X-Signature"))],
        )
        return key_of(name) if name else content_key(delivery.body)


def _option(options: Mapping[str, object], name: str, default: str = "") -> str:
    return str(options.get(name) or default)


SCHEME = Hmac()
