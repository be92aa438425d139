"""Deliveries that were split, whose bytes are kept for 30 days: each of their facts has its own."""

from drumbeat.ledger.database import Database

PRUNED_PER_STATEMENT = 500  # of up to 4 MB each

PRUNE = "SELECT prune_deliveries(%(most)s) AS pruned"


def prune(db: Database) -> int:
    """Delete the bytes of old deliveries, PRUNED_PER_STATEMENT at most; return of how many that was."""
    pruned: int = db.run(PRUNE, {"most": PRUNED_PER_STATEMENT})[0]["pruned"]
    return pruned
