"""The stack on one machine: embedded servers around the very same functions. Ships in no layer."""
