"""Ways in: from the bytes of a webhook to a verified event. One file per signature scheme."""
