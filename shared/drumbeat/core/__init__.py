"""The vocabulary and its rules: values and pure functions, no I/O."""
