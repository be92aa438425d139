"""The HTTP API's routes: MiniStack does not read them from the OpenAPI body that SAM makes, so they are added."""

import json
import re
from collections.abc import Iterator
from typing import Any

from drumbeat.local.cloud.account import REGION, client
from drumbeat.local.cloud.deployment import STACK, physical_ids

FUNCTION = re.compile(r"\$\{(\w+)\.Arn\}/invocations")


def add(endpoint: str) -> str:
    """Give the deployed API each route of its body that it has not yet; returns the API's address."""
    gateway, names = client("apigatewayv2", endpoint), physical_ids(endpoint)
    api = names["HttpApi"]
    known = {route["RouteKey"] for route in gateway.get_routes(ApiId=api)["Items"]}
    integrations: dict[str, str] = {}
    for key, function in _routes(endpoint):
        if key in known:
            continue
        if function not in integrations:
            arn = f"arn:aws:lambda:{REGION}:000000000000:function:{names[function]}"
            integrations[function] = gateway.create_integration(
                ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
            )["IntegrationId"]
        gateway.create_route(ApiId=api, RouteKey=key, Target=f"integrations/{integrations[function]}")
    return f"{endpoint}/_aws/execute-api/{api}"


def _routes(endpoint: str) -> Iterator[tuple[str, str]]:
    """Yield what SAM made of the template's HttpApi events: route key and resource name of the function."""
    body = client("cloudformation", endpoint).get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    template: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
    for path, operations in template["Resources"]["HttpApi"]["Properties"]["Body"]["paths"].items():
        for verb, operation in operations.items():
            found = FUNCTION.search(operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"])
            assert found is not None
            key = "$default" if operation.get("isDefaultRoute") else f"{verb.upper()} {path}"
            yield key, found[1]
