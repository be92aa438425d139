"""The table of imitated vendors: the first part of a vendor's paths, and where to load it on first use."""

from importlib import import_module

from drumbeat.sandbox.vendors.base import Vendor

_VENDORS = {
    "mailgun": "drumbeat.sandbox.vendors.mailgun:VENDOR",
    "resend": "drumbeat.sandbox.vendors.resend:VENDOR",
    "hubspot": "drumbeat.sandbox.vendors.hubspot:VENDOR",
    "http": "drumbeat.sandbox.vendors.http_receiver:VENDOR",
}
_loaded: dict[str, Vendor] = {}


def register(name: str, place: str) -> None:
    """Add the vendor defined at `module:NAME`, answered under `/name/`. Raises ValueError when the name is taken."""
    if name in _VENDORS:
        raise ValueError(f"vendor {name!r} is already registered")
    _VENDORS[name] = place


def names() -> tuple[str, ...]:
    """Return every vendor's name."""
    return tuple(_VENDORS)


def get(name: str) -> Vendor:
    """Return the vendor of that name, loaded on first use. Raises KeyError when it is not one of `names`."""
    if name not in _loaded:
        module, _, attribute = _VENDORS[name].partition(":")
        _loaded[name] = getattr(import_module(module), attribute)
    return _loaded[name]
