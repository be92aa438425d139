"""The table of imitated vendors: the first part of a vendor's paths, and the module to load on first use."""

from importlib import import_module

from drumbeat.sandbox.vendors.base import Vendor

# Each module has one `vendor`.
_MODULES = {
    "mailgun": "drumbeat.sandbox.vendors.mailgun",
    "resend": "drumbeat.sandbox.vendors.resend",
    "hubspot": "drumbeat.sandbox.vendors.hubspot",
    "http": "drumbeat.sandbox.vendors.http_receiver",
}
_loaded: dict[str, Vendor] = {}


def register(name: str, module: str) -> None:
    """Add the vendor of that module, answered under `/name/`. Raises ValueError when the name is taken."""
    if name in _MODULES:
        raise ValueError(f"vendor {name!r} is already registered")
    _MODULES[name] = module


def names() -> tuple[str, ...]:
    """Return every vendor's name."""
    return tuple(_MODULES)


def get(name: str) -> Vendor:
    """Return the vendor of that name, loaded on first use. Raises KeyError when it is not one of `names`."""
    if name not in _loaded:
        _loaded[name] = import_module(_MODULES[name]).vendor
    return _loaded[name]
