"""Several parameters in one call, as AWS does: the caller needs the permission for each of them.

MiniStack 1.5 asks for a permission on `*` instead, which no role of ours has.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

SEPARATOR = " "  # between two resources; no ARN of a parameter has one


def arns_of_parameters(arn_of: Callable[..., str]) -> Callable[..., str]:
    """Wrap the function that names a request's resource: for several parameters, all of them."""

    def arns(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service != "ssm" or not headers.get("x-amz-target", "").endswith(".GetParameters"):
            return arn_of(service, method, path, headers, body, query, region, account)
        names = json.loads(body)["Names"]
        return SEPARATOR.join(f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}" for name in names)

    return arns


def for_each(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the check of a request: check each of its resources, up to the first that is denied."""

    def enforced(*request: object, resource_arn: str = "*", **context: object) -> object:
        judged = (enforce(*request, resource_arn=arn, **context) for arn in resource_arn.split(SEPARATOR))
        return next((denied for denied in judged if denied), None)

    return enforced
