"""From an event and a configuration to effects, and from an effect to its action."""
