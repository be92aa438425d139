"""Chaos: a real stack under load while its parts are killed, cut off and lied to; then the callers' receipts are held
against the providers' own record."""
