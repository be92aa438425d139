"""HTTP as every API here uses it: problems, strict JSON, requests."""
