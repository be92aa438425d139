"""Routes of one noun: Powertools' router, with what every route here needs."""

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from drumbeat.access.keys import PEOPLE, ApiKey


class Routes(APIGatewayHttpRouter):
    """A router whose requests came through a guard of `access`."""

    current_event: APIGatewayProxyEventV2

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def caller(self) -> ApiKey:
        """The calling key."""
        caller: ApiKey = self.context["caller"]
        return caller

    @property
    def actor(self) -> str:
        """Name who is calling, for the journal."""
        return f"person:{self.caller.id}"

    @property
    def sees_people(self) -> bool:
        """Whether the caller may see persons: without, it must not find them either."""
        return PEOPLE in self.caller.scopes

    def need_people(self) -> None:
        """Check that the caller may see persons; raises Forbidden."""
        self.caller.need(PEOPLE)
