"""Drumbeat: every marketing event recorded once, every intended action carried out once, and the reason shown."""

__version__ = "0.1.0"
