"""Console: the read API, the operators' actions and the pages for people, behind API keys."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from drumbeat import services as process
from drumbeat.api.resolver import resolver
from drumbeat.console.pages import problem_page
from drumbeat.console.routes import PAGES

logger = Logger()
app = resolver(logger, PAGES, problem_page)
process.start(lambda made: (made.db, made.notifier, made.key_secret))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload format 2.0)."""
    return app.resolve(event, context)
