"""The code of package, tests, tools and notebooks keeps one form."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check", "--diff")])
def test_ruff_finds_nothing(root, arguments):
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr
