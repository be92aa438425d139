"""What a person does to effects and accounts, and asks about an installation."""
