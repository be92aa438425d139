"""One HTTP call: exactly one request on the wire, inside one budget of time, and certainty about what left.

The only package that knows an HTTP library: an httpx client over a transport of our own. The sockets, the pool and the
clock are ours, so that nothing can redirect, retry or send a second time behind our back.
"""

from drumbeat.infrastructure.http.caller import REPLY_LIMIT, Caller
from drumbeat.infrastructure.http.failures import Failure
from drumbeat.infrastructure.http.message import USER_AGENT
from drumbeat.infrastructure.http.pool import KEEP_ALIVE

__all__ = ["KEEP_ALIVE", "REPLY_LIMIT", "USER_AGENT", "Caller", "Failure"]
