"""The AWS credentials of this process, read for each request, so that none is signed with expired ones."""

import functools
import os
from typing import TYPE_CHECKING

from drumbeat.core.errors import DrumbeatError
from drumbeat.infrastructure.aws_signature import Credentials

if TYPE_CHECKING:
    from botocore.session import Session


class NoCredentials(DrumbeatError):
    """There are no AWS credentials, or they could not be renewed."""


def current() -> Credentials:
    """Return the credentials in force: those of the environment, where Lambda puts them, else those botocore finds.

    botocore renews temporary credentials of a container, an instance or a login minutes before they expire. It does so
    without our deadline: only where the environment has no credentials can a call take longer than its time limit.

    Raises:
        NoCredentials: neither source has any, or they could not be renewed.
    """
    if key := os.environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(key, os.environ.get("AWS_SECRET_ACCESS_KEY", ""), os.environ.get("AWS_SESSION_TOKEN"))
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = _session().get_credentials()
        frozen = found and found.get_frozen_credentials()
    except (BotoCoreError, ClientError, RuntimeError) as error:  # RuntimeError: renewed, and expired all the same
        raise NoCredentials(f"the AWS credentials could not be read: {error}") from error
    if not frozen or not frozen.access_key or not frozen.secret_key:
        raise NoCredentials("neither the environment nor a profile has AWS credentials")
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


@functools.cache
def _session() -> "Session":
    """Return the one session, which keeps the credentials that it found."""
    from botocore.session import get_session

    return get_session()
