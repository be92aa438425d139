"""The command line: one file per command, printing what a view or a use case returned."""
