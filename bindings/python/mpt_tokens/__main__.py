"""The program ``mpt-tokens``: ``python -m mpt_tokens``. It runs the same code as the Rust program."""

import signal
import sys

from ._native import run_program


def main() -> int:
    """Runs the program with the arguments of this process; returns the exit status."""
    # The program handles these signals itself: Python must neither print a traceback nor swallow them.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    return run_program(["mpt-tokens", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
