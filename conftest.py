"""Settings of the test run that need a path or must not depend on the machine."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent

# Pictures of tests go to no screen; the library's own start-up lines to no terminal.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_configure(config):
    """Give nbval the rules of comparison, wherever pytest was started."""
    if getattr(config.option, "nbval_sanitize_with", None) is None:
        config.option.nbval_sanitize_with = str(ROOT / "tools" / "sanitize.cfg")
