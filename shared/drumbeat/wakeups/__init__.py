"""Who is woken when: the queue, its dead letters, the due index, the notifier."""
