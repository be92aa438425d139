"""The provider sandbox: a fake of every provider's API that records what it really did, and injects faults."""
