"""What only a real browser shows: which requests it makes of pages, and with which headers."""
