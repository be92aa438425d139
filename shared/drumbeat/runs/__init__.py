"""Runs: a campaign that has an audience, fired once. Who is meant is frozen, planned, approved, sent, and adds up."""
