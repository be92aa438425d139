"""A thin client for SQS."""
