"""HTTP words that every door shares: problems, strict JSON, requests."""
