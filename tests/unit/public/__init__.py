"""Pages for strangers."""
