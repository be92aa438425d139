"""The laptop version of the cloud: embedded servers around the very same functions. Ships in no layer."""
