"""How much a lead holds, and how much of an imported file one request: server, callers and texts agree on it."""

MAX_VALUE_BYTES = 512  # of an attribute as JSON: 64 of them are 32 KiB
MAX_NAME_CHARACTERS = 100  # of an attribute; what has a longer name is none
MAX_IMPORT_ROWS = 500
MAX_IMPORT_BYTES = 1024 * 1024
