"""Once a minute: what is due, stuck, lost or buffered."""
