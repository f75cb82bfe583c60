"""The package as a whole: what it offers, and what it loads."""

from __future__ import annotations

import subprocess
import sys

from counterfoil import proof


def test_all_is_what_can_be_imported():
    assert sorted(proof.__all__) == sorted(set(proof.__all__))
    for name in proof.__all__:
        assert getattr(proof, name) is not None


def test_importing_loads_no_cryptography():
    program = (
        "import sys, counterfoil; before = set(sys.modules);"
        "import counterfoil.proof; print(*set(sys.modules) - before)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.split()
    assert "cryptography" not in loaded
