"""Signs and judges deliveries with the vendors' own libraries, in .venv/sdks: a job a line in, an answer a line out.

`{"do": "sign", "sdk", "secret", "body", "url", "now"}` is answered by headers; `{"do": "judge", ...}`, with headers
in it, by true or false.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from urllib.parse import parse_qs


def stripe(job):
    from stripe import WebhookSignature

    return {"Stripe-Signature": WebhookSignature.generate_signature_header(job["body"], job["secret"], job["now"])}


def slack(job):
    from slack_sdk.signature import SignatureVerifier

    now = str(job["now"])
    signature = SignatureVerifier(job["secret"]).generate_signature(timestamp=now, body=job["body"])
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": signature}


def standard(sdk, prefix):
    def sign(job):
        module = import_module(sdk)
        at = datetime.fromtimestamp(job["now"], UTC)
        signature = module.Webhook(job["secret"]).sign("msg_1", at, job["body"])
        return {f"{prefix}-id": "msg_1", f"{prefix}-timestamp": str(job["now"]), f"{prefix}-signature": signature}

    return sign


def twilio(algorithm):
    def sign(job):
        from twilio.request_validator import RequestValidator

        fields = Fields(parse_qs(job["body"], keep_blank_values=True))
        return {
            "X-Twilio-Signature": RequestValidator(job["secret"]).compute_signature(job["url"], fields, algorithm),
            "X-Twilio-Webhooks-Signature-Settings": f"key=webhooks_sharedkey_1,algorithm={algorithm}",
        }

    return sign


class Fields(dict):
    """A form as web frameworks give it to Twilio's validator."""

    def getall(self, name):
        return self[name]


def hubspot(version):
    def sign(job):
        from hubspot.utils.signature import Signature

        time = f"{job['now']}000"
        signature = Signature.get_signature(job["secret"], job["body"], version, job["url"], "POST", time)
        if version == "v1":
            return {"X-HubSpot-Signature": signature}
        return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": time}

    return sign


def paddle(job):
    from paddle_billing.Notifications.PaddleSignature import PaddleSignature

    signed = f"{job['now']}:{job['body']}".encode()
    return {
        "Paddle-Signature": f"ts={job['now']};h1={PaddleSignature.calculate_hmac(job['secret'], signed).hexdigest()}"
    }


def judged_by_sendgrid(job):
    from sendgrid.helpers.eventwebhook import EventWebhook

    name = "x-twilio-email-event-webhook"
    signature, time = (job["headers"][f"{name}-{part}"] for part in ("signature", "timestamp"))
    return EventWebhook(job["secret"]).verify_signature(job["body"], signature, time)


def judged_by_github(job):
    from gidgethub.sansio import validate_event

    validate_event(job["body"].encode(), signature=job["headers"]["x-hub-signature-256"], secret=job["secret"])
    return True


def judged_by_pywa(job):
    from pywa.utils import webhook_updates_validator

    return webhook_updates_validator(job["secret"], job["body"].encode(), job["headers"]["x-hub-signature-256"])


def judged_by_resend(job):
    import resend

    headers = {part: job["headers"][f"svix-{part}"] for part in ("id", "timestamp", "signature")}
    resend.Webhooks.verify({"payload": job["body"], "headers": headers, "webhook_secret": job["secret"]})
    return True


SIGN: Mapping[str, Callable] = {
    "hubspot_v1": hubspot("v1"),
    "hubspot_v3": hubspot("v3"),
    "paddle": paddle,
    "slack": slack,
    "standard_webhooks": standard("standardwebhooks", "webhook"),
    "stripe": stripe,
    "svix": standard("svix.webhooks", "svix"),
    "svix as webhook": standard("svix.webhooks", "webhook"),
    "twilio": twilio("HMAC_SHA1"),
    "twilio shared key": twilio("HMAC_SHA256"),
}
JUDGE: Mapping[str, Callable] = {
    "github": judged_by_github,
    "meta": judged_by_pywa,
    "resend": judged_by_resend,
    "sendgrid": judged_by_sendgrid,
}


def done(job):
    if job["do"] == "sign":
        return SIGN[job["sdk"]](job)
    try:
        return JUDGE[job["sdk"]](job)
    except Exception:  # noqa: BLE001 - a library refuses as it likes
        return False


for line in sys.stdin:
    print(json.dumps(done(json.loads(line))), flush=True)
