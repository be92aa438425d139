"""The HTTP API's routes: MiniStack does not read them from the OpenAPI body that SAM makes, so they are added."""

import json
import re
from collections.abc import Iterator
from typing import Any

from drumbeat.local.cloud.account import client
from drumbeat.local.cloud.deployment import STACK, physical_ids

ALIAS = re.compile(r"\$\{(\w+)\}/invocations")  # what an alias is called in the template is made by SAM


def add(endpoint: str) -> str:
    """Give the deployed API each route of its body that it has not yet; returns the API's address."""
    gateway, names = client("apigatewayv2", endpoint), physical_ids(endpoint)
    api = names["HttpApi"]
    known = {route["RouteKey"] for route in gateway.get_routes(ApiId=api)["Items"]}
    integrations: dict[str, str] = {}
    for key, alias in _routes(endpoint):
        if key in known:
            continue
        if alias not in integrations:  # an alias is named by its ARN
            integrations[alias] = gateway.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=names[alias], PayloadFormatVersion="2.0"
            )["IntegrationId"]
        gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integrations[alias]}")
    return f"{endpoint}/_aws/execute-api/{api}"


def _routes(endpoint: str) -> Iterator[tuple[str, str]]:
    """Yield what SAM made of the template's HttpApi events: route key and resource name of the function's alias."""
    body = client("cloudformation", endpoint).get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    template: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
    for path, operations in template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].items():
        for verb, operation in operations.items():
            found = ALIAS.search(operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"])
            assert found is not None
            key = "$default" if operation.get("isDefaultRoute") else f"{verb.upper()} {path}"
            yield key, found[1]
