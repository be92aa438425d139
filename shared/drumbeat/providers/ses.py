"""Amazon SES: mail by its HTTP API, version 2."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from drumbeat.core.actions import Action, SendEmail
from drumbeat.core.configuration import Limit
from drumbeat.core.outcomes import Accepted, Denied, LookupResult, Outcome, Refused, Throttled, Unclear
from drumbeat.core.request import Reply, Request
from drumbeat.infrastructure.aws_signature import Credentials, sign
from drumbeat.providers import base_url, sender
from drumbeat.providers.base import Feedback, Target
from drumbeat.providers.encoded_words import ascii_mailbox, ascii_text
from drumbeat.providers.replies import json_object, text, unsuccessful, with_details
from drumbeat.providers.retry_after import retry_after

HORIZON = timedelta(minutes=15)
DAY_SECONDS = 86_400
TAG = "effect-id"
HEADER = "X-Drumbeat-Effect"  # tags are not in every notification
ANY_REGION = "us-east-1"  # where the host names none, as in a sandbox

# SES API v2 reference, "SendEmail" and "Common Errors", by the error's type.
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"})
_REFUSED = {
    "BadRequestException": "an address or a parameter is not valid",
    "MailFromDomainNotVerifiedException": "the sending domain is not verified",
    "MessageRejected": "the mail was rejected",
    "NotFoundException": "there is no such configuration set or identity",
    "SerializationException": "the request could not be read",
    "ValidationException": "a parameter is not valid",
    "ValidationError": "a parameter is not valid",
}
_DENIED = {
    "AccountSuspendedException": "Amazon has ended sending for this AWS account",
    "SendingPausedException": "sending is paused for this AWS account or configuration set",
    **dict.fromkeys(
        (
            "ExpiredTokenException",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        "the credentials were refused",
    ),
}
# SES developer guide, "Errors related to the sending quotas for your account": the quota of a day rolls on, so some of
# it comes back within minutes.
_QUOTA_SECONDS = (("daily message quota", 600.0), ("sending quota", 600.0), ("maximum sending rate", 2.0))
# SES developer guide, "Amazon SES error messages"; only these words of a message are ours to repeat.
_NOT_VERIFIED = re.compile(r"not verified", re.IGNORECASE)
_HOST = re.compile(r"email\.([a-z0-9-]+)\.amazonaws\.com(:443)?")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_CONFIGURATION_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_-]")


class Ses:
    """Sends one mail to one person per call, in one region.

    There is no idempotency key and no search, so after an unknown outcome only its events tell (class F): they are
    published by the configuration set, by SNS to a webhook of ours, within minutes. What was not reported after a
    quarter of an hour is undetermined. The key travels as the tag `effect-id`, in which anything but letters, digits,
    `_` and `-` becomes `-`, and, as tags are not in every notification, as the header `X-Drumbeat-Effect`.

    SES takes 15 headers at most, each of up to 870 characters of ASCII (API reference, "MessageHeader"), and gives
    every mail a Message-ID of its own. Mail above the account's rate or daily quota is refused, not queued.
    """

    name = "ses"
    base_url: str | None = "https://email.{region}.amazonaws.com"
    actions = frozenset({"send_email"})
    settings: Mapping[str, bool] = {"region": True, "from": True, "configuration_set": False, "base_url": False}
    secrets: Mapping[str, bool] = {"access_key_id": True, "secret_access_key": True}

    def problems(self, settings: Mapping[str, str]) -> list[str]:
        """List what is wrong with the settings."""
        found = base_url.problems(settings)
        if not _REGION.fullmatch(settings.get("region", ANY_REGION)):
            found.append("region must be the name of an AWS region, like eu-central-1")
        if "configuration_set" not in settings:
            found.append(
                "configuration_set is missing: without one SES reports nothing, and what became of a mail whose answer"
                " was lost could never be known; make one that publishes its events, and write its name"
            )
        elif not _CONFIGURATION_SET.fullmatch(settings["configuration_set"]):
            found.append("configuration_set must be its name: up to 64 letters, digits, - and _")
        return found + sender.problems(settings)

    def repeat(self, target: Target, request: Request | None = None) -> Feedback:  # noqa: ARG002
        """Wait for its events after an unknown outcome."""
        return Feedback(HORIZON)

    def identity(self, target: Target) -> str:
        """Name the provider and its region; the AWS account is the key's."""
        return f"{self.name} {target.base_url}"

    def build(self, target: Target, action: Action, *, key: str) -> Request:
        """Build the mail as JSON."""
        assert isinstance(action, SendEmail)
        reply_to = [value for name, value in action.headers.items() if name.lower() == "reply-to"]
        headers = {name: value for name, value in action.headers.items() if name.lower() not in _NOT_HEADERS}
        bodies = {"Text": action.text, "Html": action.html}
        mail = {
            "FromEmailAddress": ascii_mailbox(sender.sender(target.settings)),
            "Destination": {"ToAddresses": [ascii_mailbox(action.to)]},
            "ReplyToAddresses": [ascii_mailbox(each) for each in reply_to],
            "Content": {
                "Simple": {
                    "Subject": _content(action.subject),
                    "Body": {name: _content(body) for name, body in bodies.items() if body},
                    "Headers": [
                        {"Name": name, "Value": ascii_text(value)}
                        for name, value in [*headers.items(), (HEADER, key)]
                        if value
                    ],
                }
            },
            "EmailTags": [{"Name": TAG, "Value": _NOT_IN_TAGS.sub("-", key)}],
            "ConfigurationSetName": target.settings["configuration_set"],
        }
        return Request(
            "POST",
            f"{target.base_url}/v2/email/outbound-emails",
            {"content-type": "application/json"},
            json.dumps({name: value for name, value in mail.items() if value}, separators=(",", ":")).encode(),
        )

    def sign(self, request: Request, secrets: Mapping[str, str], *, key: str, now: datetime) -> Request:  # noqa: ARG002
        """Add the signature of AWS, for the region that the host names."""
        url = urlsplit(request.url)
        named = _HOST.fullmatch(url.netloc.lower())
        headers = sign(
            {**request.headers, "host": url.netloc},
            request.body,
            Credentials(secrets["access_key_id"].strip(), secrets["secret_access_key"].strip()),
            service="ses",
            region=named[1] if named else ANY_REGION,
            now=now,
            method=request.method,
            path=url.path,
            query=url.query,
        )
        return replace(request, headers=headers)

    def read(self, reply: Reply) -> Outcome:
        """Accept 200 with the mail's id; of what is refused the error's type decides."""
        body = json_object(reply)
        if reply.status == 200 and (reference := text(body.get("MessageId"))):
            return Accepted(reference)
        error, message = _type(reply), text(body.get("message")) or text(body.get("Message"))
        if 400 <= reply.status < 500:
            if error in _THROTTLED or reply.status == 429:
                return _throttled(reply, error, message)
            if error in _DENIED:
                return Denied(f"HTTP {reply.status}: {_DENIED[error]} ({error})")
            if error in _REFUSED:
                details = [error, "an address or domain is not verified" if _NOT_VERIFIED.search(message) else ""]
                return Refused(with_details(f"HTTP {reply.status}: {_REFUSED[error]}", details))
        return unsuccessful(reply, {})

    def build_quota(self, target: Target) -> Request:
        """Ask for the account's quota in this region (API reference, "GetAccount")."""
        return Request("GET", f"{target.base_url}/v2/email/account")

    def read_quota(self, reply: Reply) -> Sequence[Limit] | None:
        """Return the rate, and the quota of 24 hours unless there is none (-1)."""
        quota = json_object(reply).get("SendQuota")
        if reply.status != 200 or not isinstance(quota, dict):
            return None
        rate, day = _number(quota.get("MaxSendRate")), _number(quota.get("Max24HourSend"))
        if rate <= 0:
            return None
        steady = Limit(int(rate), 1, int(rate)) if rate >= 1 else Limit(1, math.ceil(1 / rate), 1)
        return (steady, Limit(int(day), DAY_SECONDS, None)) if day >= 1 else (steady,)

    def build_lookup(self, target: Target, *, key: str, since: datetime) -> Request | None:  # noqa: ARG002
        """SES has no search by anything that we set."""
        return None

    def read_lookup(self, reply: Reply, *, key: str) -> LookupResult:  # noqa: ARG002
        """Nothing was asked, so nothing is answered."""
        return Unclear("Amazon SES has no search")


# Of the headers that SES sets (developer guide, "Amazon SES header fields"): one that has a field of its own, and one
# that is always SES's. Any other it refuses, which says more than leaving it out.
_NOT_HEADERS = frozenset({"reply-to", "message-id"})


def _number(value: object) -> float:
    """Return a number within reason, else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e-4 <= value <= 1e9:
        return 0.0
    return value


def _content(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _type(reply: Reply) -> str:
    """Return the error's type: the header has it before a colon, the body perhaps after a namespace."""
    named = reply.headers.get("x-amzn-errortype") or text(json_object(reply).get("__type"))
    return named.partition(":")[0].rpartition("#")[2].strip()


def _throttled(reply: Reply, error: str, message: str) -> Throttled:
    asked = retry_after(reply.headers) or 0.0
    for words, seconds in _QUOTA_SECONDS:
        if words in message.lower():
            return Throttled(f"HTTP {reply.status}: {words} exceeded", max(seconds, asked))
    known = f" ({error})" if error in _THROTTLED else ""
    return Throttled(f"HTTP {reply.status}: too many requests{known}", asked or None)


PROVIDER = Ses()
