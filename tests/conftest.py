"""Shared by all tests: the project's root and the book, rendered once a run."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Folder of the rendered HTML, built as `make book` builds it."""
    target = tmp_path_factory.mktemp("site")
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(ROOT)]
    command += ["--path-output", str(target), "--all", "--quiet"]
    command += ["--warningiserror", "--nitpick", "--keep-going"]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, f"the book does not build:\n{built.stderr[-6000:]}"
    return target / "_build" / "html"
