"""One file per outside API: build the request, read the reply. No database, no queue, no retry policy."""
