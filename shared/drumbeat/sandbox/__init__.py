"""The provider sandbox: a fake of every provider's API that keeps its own honest record, and lies when told to."""
