"""HubSpot contacts: upserts by email, where the same values twice are one contact."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from drumbeat.sandbox.actions import (
    ACCEPTED,
    NOTHING,
    REFUSED,
    REPLAYED,
    PerformedAction,
    RequestedAction,
    credential_label,
    digest,
)
from drumbeat.sandbox.addresses import address
from drumbeat.sandbox.contact_properties import Property, read_definition, sentence
from drumbeat.sandbox.contact_properties import problem as property_problem
from drumbeat.sandbox.contacts import Contact
from drumbeat.sandbox.faults import Injection
from drumbeat.sandbox.http_messages import HttpRequest, HttpResponse, json_response
from drumbeat.sandbox.state import State
from drumbeat.sandbox.vendors.base import Vendor, bearer

ROUTE = re.compile(r"/crm/(?:v3/objects|objects/\d{4}-\d{2})/contacts/(batch/upsert|[^/]+)")
PROPERTIES = re.compile(r"/crm/(?:v3/properties|properties/\d{4}-\d{2})/(?:contacts?|0-1)(?:/([^/]+))?")
MAX_INPUTS = 100

FAILURES = {
    401: ("INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication "
          "and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"),
    403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
    404: ("OBJECT_NOT_FOUND", "resource not found"),
    405: ("METHOD_NOT_ALLOWED", "method not allowed"),
    423: ("LOCKED", "The resource is locked; try again later."),
    429: ("RATE_LIMITS", "You have reached your secondly limit."),
}  # fmt: skip


class HubSpot:
    """`POST …/contacts/batch/upsert`, `GET …/contacts/{id}?idProperty=email`, and the properties that contacts have."""

    name = "hubspot"

    def read(self, request: HttpRequest, path: str) -> RequestedAction:
        """Understand a request; the account is the token's label."""
        token = bearer(request)
        requested = RequestedAction(
            request, self.name, credential_label(token), "unknown", credential=token, aliases=(token,)
        )
        route = ROUTE.fullmatch(path)
        if property := PROPERTIES.fullmatch(path):
            self._read_property(requested, request, unquote(property[1] or ""))
        elif route is None:
            requested.refusal = self.error_response(404)
        elif route[1] == "batch/upsert" and request.method == "POST":
            requested.action = "upsert"
            self._read_inputs(requested, request)
        elif route[1] != "batch/upsert" and request.method == "GET":
            id = unquote(route[1])
            requested.action, requested.lookup, requested.to = "get", True, (id,)
            requested.parameters = {"id": id, "idProperty": request.params.get("idProperty", "hs_object_id")}
        else:
            requested.refusal = self.error_response(405)
        return requested

    def perform(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> PerformedAction:
        """Upsert every input that is valid, or read one contact."""
        if requested.action == "create_property":
            return _create_property(requested, state)
        if requested.action == "list_properties":
            return PerformedAction(NOTHING, self._properties(requested, state))
        if requested.lookup:
            return PerformedAction(NOTHING, self._get(requested, state, injection, now))
        items: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        fresh, known = state.contacts.next_id(), state.contact_properties.of(requested.account)
        for given in requested.parameters["inputs"]:
            trace = _trace(given)
            problem = _problem(given, known)
            if problem:
                errors.append(_item_error(problem, trace))
                items.append({"email": str(given.get("id", "")), "effect": trace, "did": REFUSED, "why": problem[1]})
                continue
            item = _write(state, requested.account, given, fresh)
            fresh += item["change"] == "created"
            items.append(item)
            results.append(_result(item, state.contacts.get(requested.account, item["email"]), now))
        result = ACCEPTED if any(item["did"] == ACCEPTED for item in items) else REPLAYED if results else REFUSED
        return PerformedAction(result, _batch_response(results, errors, now), {"items": items, "id": ""})

    def error_response(self, status: int, *headers: tuple[str, str]) -> HttpResponse:
        """Return an error as HubSpot words it."""
        category, message = FAILURES.get(status, ("INTERNAL_ERROR", "internal error"))
        return _error(status, category, message, *headers)

    def _read_inputs(self, requested: RequestedAction, request: HttpRequest) -> None:
        requested.digest = digest(request.body)
        try:
            content = request.json()
        except ValueError:
            requested.refusal = _error(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1")
            return
        inputs = content.get("inputs") if isinstance(content, dict) else None
        if not isinstance(inputs, list) or not inputs or not all(isinstance(one, dict) for one in inputs):
            requested.refusal = _error(
                400, "VALIDATION_ERROR", "Invalid request to flow: inputs must be a list of objects"
            )
            return
        requested.parameters = {"inputs": inputs}
        requested.to = tuple(str(one.get("id", "")) for one in inputs)
        requested.effect = _trace(inputs[0])
        emails = [str(one.get("id", "")).lower() for one in inputs]
        if len(inputs) > MAX_INPUTS:
            requested.refusal = _error(
                400, "VALIDATION_ERROR", f"Batch size {len(inputs)} exceeds the limit of {MAX_INPUTS}"
            )
        elif len(set(emails)) < len(emails):
            requested.refusal = _error(400, "VALIDATION_ERROR", "Duplicate IDs found in batch input")

    def _read_property(self, requested: RequestedAction, request: HttpRequest, name: str) -> None:
        if request.method == "GET":
            requested.action, requested.lookup, requested.parameters = "list_properties", True, {"name": name}
            return
        if request.method != "POST" or name:
            requested.refusal = self.error_response(405)
            return
        requested.action = "create_property"
        try:
            definition = read_definition(request.json())
        except ValueError:
            definition = "Invalid input JSON on line 1, column 1"
        if isinstance(definition, str):
            requested.refusal = _error(400, "VALIDATION_ERROR", definition)
        else:
            requested.parameters = {
                "name": definition.name, "type": definition.type, "options": definition.options,
                "label": definition.label, "option_labels": definition.option_labels,
            }  # fmt: skip

    def _properties(self, requested: RequestedAction, state: State) -> HttpResponse:
        known, name = state.contact_properties.of(requested.account), requested.parameters["name"]
        if not name:
            return json_response(200, {"results": [property.shown for property in known.values()]})
        return json_response(200, known[name].shown) if name in known else self.error_response(404)

    def _get(self, requested: RequestedAction, state: State, injection: Injection, now: float) -> HttpResponse:
        id = requested.parameters["id"]
        by_email = requested.parameters["idProperty"] == "email"
        contact = state.contacts.get(requested.account, id) if by_email else state.contacts.by_id(requested.account, id)
        if contact is None or contact.created_at > now - injection.lookup_lag_seconds:
            return self.error_response(404)
        return json_response(200, _shown(contact.id, contact.properties, contact.created_at, contact.updated_at))


VENDOR: Vendor = HubSpot()


def _write(state: State, account: str, given: Mapping[str, Any], fresh: int) -> dict[str, Any]:
    """Return what the input changes. A repeat by the same trace that changes nothing is not a second action."""
    email, trace = str(given["id"]), _trace(given)
    properties = {name: "" if value is None else str(value) for name, value in (given.get("properties") or {}).items()}
    properties.setdefault("email", email)
    contact = state.contacts.get(account, email)
    if contact is None:
        change = "created"
    else:
        held = contact.properties
        change = "unchanged" if all(held.get(name, "") == value for name, value in properties.items()) else "updated"
    again = change == "unchanged" and (trace is None or state.contacts.written(account, email, trace))
    return {
        "id": contact.id if contact else str(fresh), "email": email, "properties": properties, "change": change,
        "effect": trace, "did": REPLAYED if again else ACCEPTED,
    }  # fmt: skip


def _create_property(requested: RequestedAction, state: State) -> PerformedAction:
    property = Property(**requested.parameters)
    if property.name in state.contact_properties.of(requested.account):
        message = f"A property named '{property.name}' already exists."
        return PerformedAction(REFUSED, _error(409, "OBJECT_ALREADY_EXISTS", message))
    facts = {
        "property": [property.name, property.type, property.options, property.label, property.option_labels],
    }
    return PerformedAction(ACCEPTED, json_response(201, property.shown), facts)


def _problem(given: Mapping[str, Any], known: Mapping[str, Property]) -> tuple[str, str] | None:
    if given.get("idProperty") != "email":
        return "VALIDATION_ERROR", f"idProperty {given.get('idProperty')!r} is not a unique property of contacts"
    email = given.get("id")
    if not isinstance(email, str) or address(email) != email:
        return "VALIDATION_ERROR", sentence([property_problem("email", email, known) or {}])
    properties = given.get("properties")
    if not isinstance(properties, dict):
        return "VALIDATION_ERROR", "Invalid input: properties must be an object"
    for name, value in properties.items():
        if isinstance(value, dict | list):
            return "VALIDATION_ERROR", f'Invalid input: property "{name}" must be a string'
    problems = [found for name, value in properties.items() if (found := property_problem(name, value, known))]
    return ("VALIDATION_ERROR", sentence(problems)) if problems else None


def _trace(given: Mapping[str, Any]) -> str | None:
    trace = given.get("objectWriteTraceId")
    return None if trace is None else str(trace)


def _result(item: Mapping[str, Any], before: Contact | None, now: float) -> dict[str, Any]:
    held = {**(before.properties if before else {}), **item["properties"]}
    created = before.created_at if before else now
    updated = now if item["change"] != "unchanged" or before is None else before.updated_at
    shown = _shown(item["id"], held, created, updated)
    shown["new"] = item["change"] == "created"
    if item["effect"]:
        shown["objectWriteTraceId"] = item["effect"]
    return shown


def _shown(id: str, properties: Mapping[str, str], created: float, updated: float) -> dict[str, Any]:
    times = {"createdate": _time(created), "lastmodifieddate": _time(updated), "hs_object_id": id}
    return {
        "id": id, "properties": {**properties, **times}, "createdAt": _time(created), "updatedAt": _time(updated),
        "archived": False,
    }  # fmt: skip


def _batch_response(results: list[dict[str, Any]], errors: list[dict[str, Any]], now: float) -> HttpResponse:
    if errors and not results:
        first = errors[0]
        return _error(400, first["category"], first["message"])
    body: dict[str, Any] = {
        "status": "COMPLETE", "results": results, "startedAt": _time(now), "completedAt": _time(now),
    }  # fmt: skip
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return json_response(207 if errors else 200, body)


def _item_error(problem: tuple[str, str], trace: str | None) -> dict[str, Any]:
    context = {"objectWriteTraceId": [trace]} if trace else {}
    return {"status": "error", "category": problem[0], "message": problem[1], "context": context}


def _error(status: int, category: str, message: str, *headers: tuple[str, str]) -> HttpResponse:
    body = {"status": "error", "message": message, "correlationId": str(uuid4()), "category": category}
    return json_response(status, body, *headers)


def _time(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
