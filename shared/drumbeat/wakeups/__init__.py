"""What wakes workers and the relay: the queue, its dead letters, the due index, the notifier."""
