"""The user's document: read, checked with line numbers, compiled, applied."""
