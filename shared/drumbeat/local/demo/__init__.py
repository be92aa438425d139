"""The demonstration: a stack, lies, a killed worker, and the proof that each effect was done once."""
