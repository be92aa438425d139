"""Traces: what the ledger says that events and effects went through, as OpenTelemetry has it."""
