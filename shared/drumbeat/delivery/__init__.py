"""From an event or effect that a message names to an attempt at its provider, and what the answer is worth.

`deliver` is the use case; `batch` is the way of an effect, step by step.
"""
