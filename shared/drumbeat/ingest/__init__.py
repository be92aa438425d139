"""From a verified request to a recorded event. One use case per file; `door` holds what they share."""

from drumbeat.ingest.buffer import Drained, drain

__all__ = ["Drained", "drain"]
