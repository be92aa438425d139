"""`openapi.json` is what the routes say now."""

from drumbeat.api.description import SOURCE
from drumbeat.local.openapi.document import document, written


def test_the_document_is_what_the_routes_say() -> None:
    assert SOURCE.read_text() == written(document()), "stale: .venv/bin/python -m drumbeat.local.openapi"
