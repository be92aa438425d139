"""What Amazon SNS serves to those whom it notifies: its certificate, and the addresses that confirm and end."""

from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse
from drumbeat.sandbox.reports.base import Destination
from drumbeat.sandbox.sandbox import Sandbox

PREFIX, SUFFIX = "/ses/SimpleNotificationService-", ".pem"
ACTIONS = ("ConfirmSubscription", "Unsubscribe")


def answer(sandbox: Sandbox, request: HttpRequest) -> HttpResponse | None:
    """Answer a GET that is one of these, or return None: it is another one."""
    if request.method != "GET":
        return None
    if request.path.startswith(PREFIX) and request.path.endswith(SUFFIX):
        return _certificate(request.path)
    if request.path.rstrip("/") == "/ses" and request.params.get("Action") in ACTIONS:
        return _subscription(sandbox, request)
    return None


def _certificate(path: str) -> HttpResponse:
    from drumbeat.sandbox.reports import sns  # loads `cryptography`, which only SNS needs

    kept = sns.certificate()
    if path != kept.path:
        return HttpResponse(404, b"There is no such certificate; a restart makes another one.\n", "text/plain")
    return HttpResponse(200, kept.pem, "application/x-pem-file")


def _subscription(sandbox: Sandbox, request: HttpRequest) -> HttpResponse:
    from drumbeat.sandbox.reports import sns

    asked = request.params
    confirms = asked["Action"] == "ConfirmSubscription"
    for destination in sandbox.state.feedback.destinations:
        arn = sns.subscription_arn(destination)
        if confirms and (asked.get("TopicArn"), asked.get("Token")) == (destination.topic, sns.token_of(destination)):
            if not destination.confirmed:
                sandbox.command("confirmed", {"id": destination.number})
            return _told("ConfirmSubscription", f"<SubscriptionArn>{arn}</SubscriptionArn>")
        if not confirms and asked.get("SubscriptionArn") == arn:
            return _unsubscribed(sandbox, destination)
    return _error("NotFound" if not confirms else "InvalidParameter", "Invalid token or topic")


def _unsubscribed(sandbox: Sandbox, destination: Destination) -> HttpResponse:
    sandbox.command("webhook_removed", {"id": destination.number})
    return _told("Unsubscribe", "")


def _told(action: str, content: str) -> HttpResponse:
    name = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'
    body = f"<{action}Response {name}><{action}Result>{content}</{action}Result></{action}Response>"
    return HttpResponse(200, body.encode(), "text/xml")


def _error(code: str, message: str) -> HttpResponse:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return HttpResponse(400, body.encode(), "text/xml")
