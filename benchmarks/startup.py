"""Start-up: how long `import counterfoil` takes, beside the interpreter alone."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from .figure import Figure, below

ROUNDS = 9


def run() -> list[Figure]:
    """The figure of importing the package."""
    alone, both = [], []
    for _ in range(ROUNDS):
        alone.append(_milliseconds("pass"))
        both.append(_milliseconds("from counterfoil.log import AuditLog"))
    return [below("import counterfoil with its AuditLog, ms", median(both) - median(alone), 150)]


def _milliseconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - began) * 1000
