"""API keys: how they verify themselves, the table of them, the first one; sessions of the console."""
