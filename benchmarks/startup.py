"""Start-up: how long `import counterfoil` takes, beside the interpreter alone."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from .figure import Figure, below

ROUNDS = 9
_PACKAGE = "import counterfoil"
_WHOLE = "from counterfoil import AuditLog"


def run() -> list[Figure]:
    """The figures of importing the package, and of naming its one class, which loads the rest."""
    seconds: dict[str, list[float]] = {"pass": [], _PACKAGE: [], _WHOLE: []}
    for _ in range(ROUNDS):
        for code, found in seconds.items():
            found.append(_milliseconds(code))
    alone = median(seconds.pop("pass"))
    return [below(f"{code}, ms", median(found) - alone, 150) for code, found in seconds.items()]


def _milliseconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - began) * 1000
