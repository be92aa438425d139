"""Audiences: who is in one now, counted, sampled, and explained for one person."""
