"""Drumbeat measured side by side with what people use instead: the same job, provider, load and servers."""
