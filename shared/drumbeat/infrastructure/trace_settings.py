"""Where traces go, by the standard variables of OpenTelemetry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from drumbeat import __version__
from drumbeat.core.errors import SettingsError

PATH = "/v1/traces"
HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
SERVICE = "drumbeat"
TIMEOUT_SECONDS = 10.0
_KEPT = "Nothing was started and nothing was lost."


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """The collector of traces, and what is said of this installation with each."""

    url: str | None  # of the collector; None: there is none
    headers: str  # as OTEL_EXPORTER_OTLP_HEADERS has them, or `ssm:/name`: they hold a key
    timeout: float  # seconds for one request
    file: str | None  # where `drumbeat dev --telemetry` writes them instead
    resource: Mapping[str, str]

    @property
    def wanted(self) -> bool:
        """Whether anything takes traces."""
        return self.url is not None or self.file is not None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], secret: Callable[[str, str], str], stage: str) -> "TraceSettings":
        """Read the environment; `secret` reads a variable that may be the name of an SSM parameter instead.

        Raises:
            SettingsError: names a variable that is wrong, and not its value.
        """
        off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER") == "none"
        headers = secret("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS_PARAM") or secret(
            HEADERS, f"{HEADERS}_PARAM"
        )
        said = pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""), "OTEL_RESOURCE_ATTRIBUTES")
        name = environ.get("OTEL_SERVICE_NAME")
        return cls(
            url=None if off else _url(environ),
            headers=headers,
            timeout=_timeout(environ),
            file=None if off else environ.get("DRUMBEAT_TELEMETRY_FILE") or None,
            resource={
                "service.name": SERVICE,
                "service.version": __version__,
                "deployment.environment.name": stage,
                **said,
                **({"service.name": name} if name else {}),
            },
        )


def pairs(text: str, variable: str) -> dict[str, str]:
    """Return what a list such as `a=1,b=2` says; names and values are percent-encoded.

    Raises:
        SettingsError: names the variable that holds anything else.
    """
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, is_pair, value = part.partition("=")
        if not is_pair or not name.strip():
            raise SettingsError(f"{variable} has to be a list such as name=value,other=value. {_KEPT}")
        found[unquote(name.strip())] = unquote(value.strip())
    return found


def _url(environ: Mapping[str, str]) -> str | None:
    """Return the URL of traces: the one of their own as it is, or the one of all signals with their path."""
    own, shared = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    variable = own if environ.get(own, "").strip() else shared
    url = environ.get(variable, "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in url
    except ValueError:
        right = False
    if not right or not url.isascii() or not url.isprintable() or " " in url:
        raise SettingsError(f"{variable} is not an http:// or https:// address without a password. {_KEPT}")
    return url if variable == own else url.rstrip("/") + PATH


def _timeout(environ: Mapping[str, str]) -> float:
    """Return the seconds that a request may take; the variables have milliseconds."""
    own, shared = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"
    variable = own if environ.get(own) else shared
    try:
        seconds = float(environ.get(variable) or TIMEOUT_SECONDS * 1000) / 1000
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{variable} has to be a number of milliseconds above 0. {_KEPT}")
    return seconds
