"""What operators do to effects and accounts, and the checks of an installation."""
