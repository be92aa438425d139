"""People in the ledger."""
