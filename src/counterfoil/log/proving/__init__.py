"""Proving: keys, checkpoints, proofs, and the guard against rollback."""
