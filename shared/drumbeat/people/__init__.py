"""People: whose consent holds."""
