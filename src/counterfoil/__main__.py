"""The ``counterfoil`` command; also ``python -m counterfoil``."""

from __future__ import annotations

import sys

_NEEDED = frozenset({"typer", "rich", "pydantic_settings"})


def main() -> None:
    """Run the command line.

    Without the packages of the ``cli`` extra it says how to install them, and exits with 2.
    """
    if sys.argv[1:] == ["--version"]:
        # What scripts ask most often needs none of the packages below.
        from counterfoil import __version__

        print(f"counterfoil {__version__}")  # noqa: T201 - the command's output
        return
    try:
        from counterfoil.cli import app
    except KeyboardInterrupt:
        # Ctrl-C while the packages are read; a command's own is dealt with there.
        raise SystemExit(130) from None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        from counterfoil.errors import MissingExtraError

        print(MissingExtraError("The command line", "cli"), file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None
    app.main()


if __name__ == "__main__":
    main()
