"""Pages for strangers, through the ingest function."""
