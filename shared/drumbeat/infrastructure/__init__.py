"""Our own clients and the process's settings; nothing of a feature."""
