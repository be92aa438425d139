"""Pages for strangers: forms, confirmation, unsubscribing. The cheapest check comes first, and the ledger last."""
