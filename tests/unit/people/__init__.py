"""Links that people follow."""
