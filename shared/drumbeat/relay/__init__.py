"""Once a minute: what is due, stuck, forgotten or buffered."""
