"""From configuration to intent: the document, its model, the pure planner, the templates. No I/O in here."""
