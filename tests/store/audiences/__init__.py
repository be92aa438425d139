"""Audiences over a real Postgres."""
