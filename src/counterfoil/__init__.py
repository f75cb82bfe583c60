"""Counterfoil: the audit log you can prove."""
