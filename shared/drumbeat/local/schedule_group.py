"""The group that schedules of campaigns are kept in, made in an emulator of EventBridge Scheduler."""

import urllib.error
import urllib.request
from http import HTTPStatus


def create(endpoint: str, name: str, region: str, key: str) -> bool:
    """Make a schedule group, where it does not exist yet; False when the emulator has no schedule groups."""
    scope = f"{key}/20300101/{region}/scheduler/aws4_request"  # what an emulator accepts as a signature
    request = urllib.request.Request(
        f"{endpoint}/schedule-groups/{name}",
        b"{}",
        {"Content-Type": "application/json", "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}"},
    )
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == HTTPStatus.CONFLICT
    except OSError:
        return False
    return True
