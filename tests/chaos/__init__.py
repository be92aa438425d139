"""Chaos: a real stack under load while its parts are killed and cut off and providers answer wrongly; then the callers'
receipts are compared with the providers' own record."""
