"""Importing the package loads no backend; names load their own submodule only."""

import subprocess
import sys

import pytest

from aiarch._lazy import attach

HEAVY = ("tensorflow", "keras", "jax", "torch", "sklearn", "matplotlib")
LOADED = "; import sys; print([name for name in {} if name in sys.modules])"


@pytest.mark.parametrize(
    "code",
    [
        "import aiarch",
        "import aiarch.foundations, aiarch.optimizers",
        "from aiarch.optimizers import sgd, minimize, quadratic",
        "from aiarch.claims import claim",
    ],
)
def test_importing_loads_nothing_heavy(code):
    run = [sys.executable, "-c", code + LOADED.format(HEAVY)]
    found = subprocess.run(run, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_names_are_found_listed_and_kept():
    import aiarch.optimizers as package

    assert "sgd" in dir(package) and "sgd" in package.__all__
    assert package.sgd is package.rules.sgd
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_a_name_has_one_home():
    with pytest.raises(ValueError, match="'x' is in both 'a' and 'b'"):
        attach("somewhere", {"a": ["x"], "b": ["x"]})
