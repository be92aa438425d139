"""The rate limits of accounts."""
