"""Amazon SES, API version 2: mail without idempotency and without a search, and the account's quota."""

import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any
from uuid import uuid4

from drumbeat.sandbox.actions import (
    ACCEPTED,
    NOTHING,
    PerformedAction,
    RequestedAction,
    credential_label,
    digest,
)
from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors.base import Vendor

SEND, ACCOUNT = "/v2/email/outbound-emails", "/v2/email/account"
MARKERS = ("effect-id", "effect_id", "effect")  # tags that carry the caller's own marker
# SES API reference, "SendEmail", "MessageTag", "MessageHeader"; developer guide, "Amazon SES header fields".
MAX_RECIPIENTS, MAX_HEADERS = 50, 15
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
HEADER_NAME = re.compile(r"[!-9;-@A-~]{1,126}")
HEADER_VALUE = re.compile(r"[ -~]{1,870}")
SET_BY_SES = frozenset({
    "bcc", "cc", "content-disposition", "content-type", "date", "from", "message-id", "mime-version", "reply-to",
    "return-path", "subject", "to",
})  # fmt: skip
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[a-z0-9-]+)/ses/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=[0-9a-f]{64}"
)
# Of an account that has left SES's own sandbox.
QUOTA = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0}
DAY_SECONDS = 86_400.0

FAILURES = {
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    404: ("UnknownOperationException", ""),
    405: ("UnknownOperationException", ""),
    429: ("TooManyRequestsException", "Maximum sending rate exceeded."),
}


class Ses:
    """`POST /v2/email/outbound-emails` of simple content, `GET /v2/email/account`."""

    name = "ses"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; the account is the access key's label."""
        signed = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        key = signed["key"] if signed else ""
        requested = RequestedAction(
            request, self.name, credential_label(key), "unknown", credential=key, aliases=(key,) if key else ()
        )
        if path == ACCOUNT and request.method == "GET":
            requested.action, requested.lookup = "account", True
        elif path == SEND and request.method == "POST":
            requested.action = "send"
            self._read_message(requested, request)
        else:
            requested.refusal = self.error_response(404)
        if signed and not {"host", "x-amz-date"} <= set(signed["signed"].split(";")):
            requested.refusal = _error(403, "InvalidSignatureException", "host and x-amz-date must be signed.")
        return requested

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:  # noqa: ARG002
        """Send, whatever was sent before, or answer with the quota."""
        if requested.lookup:
            sent = [
                mail for mail in state.mailbox.of_account(self.name, requested.account) if mail.at > now - DAY_SECONDS
            ]
            quota = {**QUOTA, "SentLast24Hours": float(sum(len(mail.to) for mail in sent))}
            account = {"EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True, "SendingEnabled": True}
            return PerformedAction(NOTHING, json_response(200, {**account, "SendQuota": quota}))
        id = f"0102{uuid4().hex[:12]}-{uuid4()}-000000"
        parts = [*requested.to, *(str(requested.parameters.get(name) or "") for name in ("subject", "text", "html"))]
        content = digest("\0".join(parts).encode("utf-8", "replace"))
        return PerformedAction(ACCEPTED, json_response(200, {"MessageId": id}), {"id": id, "content": content})

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return an error as SES words it."""
        name, message = FAILURES.get(status, ("InternalServiceErrorException", "The service failed."))
        return _error(403 if status == 401 else status, name, message, *headers)

    def _read_message(self, requested: RequestedAction, request: HttpRequest) -> None:
        requested.digest = digest(request.path.encode() + b"\0" + request.body)
        try:
            mail = request.json()
        except ValueError:
            requested.refusal = _error(400, "SerializationException", "")
            return
        simple = _at(mail, "Content", "Simple")
        headers = [(str(each.get("Name")), str(each.get("Value"))) for each in _objects(simple, "Headers")]
        tags = [(str(each.get("Name")), str(each.get("Value"))) for each in _objects(mail, "EmailTags")]
        requested.to = tuple(_bare(each) for each in _recipients(mail))
        requested.effect = next((value for name, value in tags if name in MARKERS), None)
        requested.parameters = {
            "from": _decoded(str(_field(mail, "FromEmailAddress") or "")),
            "to": [_decoded(each) for each in _recipients(mail)],
            "subject": _at(simple, "Subject").get("Data"),
            "text": _at(simple, "Body", "Text").get("Data"),
            "html": _at(simple, "Body", "Html").get("Data"),
            "headers": {name: _decoded(value) for name, value in headers},
            "reply_to": _field(mail, "ReplyToAddresses"),
            "tags": [{"name": name, "value": value} for name, value in tags],
            "configuration_set": _field(mail, "ConfigurationSetName"),
        }
        requested.aliases += (_bare(requested.parameters["from"]).rpartition("@")[2],)
        requested.refusal = _problem(requested, headers, tags)


VENDOR: Vendor = Ses()


def _problem(
    requested: RequestedAction, headers: list[tuple[str, str]], tags: list[tuple[str, str]]
) -> HttpResponse | None:
    mail = requested.parameters
    if not isinstance(mail["subject"], str) or not (mail["text"] or mail["html"]):
        return _bad("Content must hold a subject and a body.")
    if address(mail["from"]) is None:
        return _bad("Missing or invalid From address.")
    reply_to = mail["reply_to"] if isinstance(mail["reply_to"], list) else []
    if not requested.to or len(requested.to) > MAX_RECIPIENTS:
        return _bad(f"Recipient count must be between 1 and {MAX_RECIPIENTS}.")
    if any(address(each) is None for each in [*mail["to"], *map(str, reply_to)]):
        return _bad("Illegal address")
    if not all(text.isascii() for _, text in headers) or len(headers) > MAX_HEADERS:
        return _bad(f"At most {MAX_HEADERS} headers of ASCII are allowed.")
    if wrong := next((name for name, value in headers if not _is_header(name, value)), None):
        return _bad(f"Header {wrong} is not allowed.")
    if not all(TAG.fullmatch(name) and TAG.fullmatch(value) for name, value in tags):
        return _bad("Tags must hold ASCII letters, digits, _ and - alone.")
    return None


def _is_header(name: str, value: str) -> bool:
    fits = HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)
    return bool(fits) and name.lower() not in SET_BY_SES


def _recipients(mail: object) -> list[str]:
    destination = _at(mail, "Destination")
    lists = (destination.get(name) for name in ("ToAddresses", "CcAddresses", "BccAddresses"))
    return [str(each) for some in lists if isinstance(some, list) for each in some]


def _bare(text: str) -> str:
    return address(text) or text


def _field(mail: object, name: str) -> Any:  # noqa: ANN401 - any JSON
    return mail.get(name) if isinstance(mail, dict) else None


def _at(value: object, *names: str) -> Mapping[str, Any]:
    for name in names:
        value = _field(value, name)
    return value if isinstance(value, dict) else {}


def _objects(value: object, name: str) -> list[dict[str, Any]]:
    found = _field(value, name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, UnicodeError, LookupError):
        return text


def _bad(message: str) -> HttpResponse:
    return _error(400, "BadRequestException", message)


def _error(status: int, name: str, message: str, *headers: tuple[str, str]) -> HttpResponse:
    return json_response(status, {"message": message}, ("x-amzn-ErrorType", name), *headers)
