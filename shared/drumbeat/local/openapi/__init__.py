"""`/openapi.json`, made from the routes as they are declared: `python -m drumbeat.local.openapi` writes it."""
