"""One HTTP call: exactly one request on the wire, inside one time limit, and certainty about what left.

The only package that knows an HTTP library: an httpx client over a transport of our own. The sockets, the pool and the
clock are ours, so that the library can neither redirect nor retry nor send a second time.
"""

from drumbeat.infrastructure.http.caller import MAX_REPLY_BYTES, Caller
from drumbeat.infrastructure.http.failures import Failure
from drumbeat.infrastructure.http.message import USER_AGENT
from drumbeat.infrastructure.http.pool import KEEP_ALIVE_SECONDS

__all__ = ["KEEP_ALIVE_SECONDS", "MAX_REPLY_BYTES", "USER_AGENT", "Caller", "Failure"]
