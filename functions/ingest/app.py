"""Ingest over HTTP: events, batches, webhooks, forms, and the pages of links in mails. What is acknowledged is kept."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat.access.callers import caller_of
from drumbeat.ingest import batch, webhook
from drumbeat.ingest.answers import Answers
from drumbeat.ingest.door import Door
from drumbeat.ingest.screening import screen
from drumbeat.ingest.single import Single
from drumbeat.public.routes import Routes
from drumbeat.services import services, start
from drumbeat.web.requests import body_of, delivery_of, headers_of, judged_at, key_of, size_of, trace_of

logger = Logger()
metrics = Metrics(namespace="Drumbeat")
app = APIGatewayHttpResolver()
answers = Answers(app, logger)


@cache
def door() -> Door:
    """Return what the requests of this process share."""
    return Door(services(), count=lambda name, number: metrics.add_metric(name, MetricUnit.Count, number))


@cache
def single() -> Single:
    """Return the use case for single events."""
    return Single(door())


start(lambda _: single().prepare())


@app.post("/v1/events")
def post_event() -> Response[str]:
    """Record one event."""
    request = app.current_event.raw_event
    caller = caller_of(request, services().key_secret)
    trace = trace_of(request)
    return answers.receipt(single().ingest(body_of(request), caller=caller, key=key_of(request), trace=trace))


@app.post("/v1/events/batch")
def post_batch() -> Response[str]:
    """Record up to 500 events; each has its own key and result."""
    request = app.current_event.raw_event
    caller = caller_of(request, services().key_secret)
    key_of(request)  # a header here names no event, yet one that could be two keys is a mistake of its sender's
    return answers.batch(batch.ingest(body_of(request), door(), caller=caller, trace=trace_of(request)))


@app.post("/v1/webhooks/<source>")
def post_webhook(source: str) -> Response[str]:
    """Record one delivery."""
    request = app.current_event.raw_event
    screen(source, headers_of(request), size_of(request), door())  # before its body is decoded
    logger.append_keys(source=source)  # a name of the configuration
    judged = judged_at(request) if services().settings.test_door else None
    return answers.webhook(webhook.ingest(source, delivery_of(request), door(), judged_at=judged))


@app.get("/v1/webhooks/<source>")
def get_webhook(source: str) -> Response[str]:
    """Answer a sender that asks whether this is its receiver."""
    return answers.webhook(webhook.confirm(source, delivery_of(app.current_event.raw_event), door()))


Routes(app, answers, door)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the HTTP API (payload format 2.0)."""
    try:
        return app.resolve(event, context)
    finally:
        if metrics.provider.metric_set:  # most refusals count nothing, and flushing nothing warns
            metrics.flush_metrics()
