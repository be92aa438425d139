"""Audiences, without a ledger."""
