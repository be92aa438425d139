"""The console: pages for people, rendered from the same answers as the JSON API gives, by the same use cases."""
