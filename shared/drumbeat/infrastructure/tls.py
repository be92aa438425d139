"""The process's one TLS context."""

import functools
import ssl


@functools.cache
def context() -> ssl.SSLContext:
    """Return the context for HTTP/1.1, made at first use: reading the trust store takes 20 ms.

    The machine's own store comes first, so that an operator's private authority counts.
    """
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
