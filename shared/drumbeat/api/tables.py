"""Lists as CSV: of any list that the API answers as JSON, after what a caller may not see was masked."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.api.response import written
from drumbeat.core.cells import formula_quoted

CSV = "text/csv; charset=utf-8"
FORMATS = ("json", "csv")


def as_table(answer: Response[Any], request: APIGatewayProxyEventV2) -> Response[str]:
    """Return a page of a list as CSV: a row an item, a column a field, whose name is the field's.

    A field that holds several values is JSON in its cell. Where the next page begins says the header Link. A page
    without items has no columns either: its body is empty.
    """
    assert isinstance(answer.body, str)
    document: Mapping[str, Any] = json.loads(answer.body)
    headers = {
        **answer.headers,
        "Content-Type": CSV,
        "Content-Disposition": f'attachment; filename="{request.raw_path.rpartition("/")[2]}.csv"',
    }
    if document.get("next") is not None:
        query = {**(request.query_string_parameters or {}), "cursor": document["next"]}
        headers["Link"] = f'<{request.raw_path}?{urlencode(query)}>; rel="next"'
    return Response(answer.status_code, CSV, _table(document["items"]), headers=headers)


def _table(items: Iterable[Mapping[str, object]]) -> str:
    import csv  # which few answers need
    from io import StringIO

    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    columns: dict[str, None] = {}
    rows = list(items)
    for row in rows:
        columns |= dict.fromkeys(row)
    if columns:
        writer.writerow(map(formula_quoted, columns))
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return text.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return formula_quoted(value)
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            return written(value)
