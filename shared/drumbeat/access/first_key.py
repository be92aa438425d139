"""The first API key of a deployment: how its owner gets in, to make the other keys."""

from typing import Any

from drumbeat.access import sql as access_sql
from drumbeat.access.keys import SCOPES, mint
from drumbeat.services import Services

ID = "first"
ACTOR = "deployment"


def parameter(stage: str) -> str:
    """Name the SSM parameter that holds the key, below the path that only the deploy hook may write."""
    return f"/drumbeat/{stage}/admin/first-key"


def publish(services: Services) -> None:
    """Put the key where the stack's outputs say it is, unless it was revoked.

    Safe to repeat: the key follows from the stage's secret, so it is the same until that changes. On a developer's
    machine nothing is published; the stack prints its key.
    """
    if services.settings.local or access_sql.revoked(services.db, ID):
        return
    access_sql.add(services.db, ID, "made at the first deployment", SCOPES, actor=ACTOR)
    from botocore.session import get_session

    ssm: Any = get_session().create_client(
        "ssm", region_name=services.settings.region, endpoint_url=services.settings.aws_endpoint_url
    )
    ssm.put_parameter(
        Name=parameter(services.settings.stage),
        Description="Drumbeat's first API key. Make others with `drumbeat keys create`, then revoke it.",
        Value=mint(services.key_secret, ID, SCOPES),
        Type="SecureString",
        Overwrite=True,
    )
