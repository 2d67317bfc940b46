"""What the book writes by itself is up to date, and what notebooks cost is bounded."""

import generate
import pages
import pytest

NOTEBOOKS = pages.notebooks()
TIMINGS = generate.read_timings()["pages"]
MAX_SECONDS, MAX_MEGABYTES, MAX_TOTAL_SECONDS = 60, 2048, 20 * 60


@pytest.mark.parametrize("path", generate.GENERATED, ids=lambda path: path.name)
def test_generating_again_changes_nothing(path):
    assert path.read_text(encoding="utf-8") == generate.GENERATED[path](), (
        "run `python tools/generate.py`"
    )


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.address)
def test_notebook_was_measured_as_it_stands(page):
    assert page.address in TIMINGS, "run `make notebooks`"
    assert TIMINGS[page.address]["code_hash"] == page.code_hash, (
        f"the code of {page.address} has changed since it was run; run `make notebooks`"
    )


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.address)
def test_notebook_is_cheap_enough(page):
    assert TIMINGS[page.address]["seconds"] <= MAX_SECONDS
    assert TIMINGS[page.address]["peak_memory_mb"] <= MAX_MEGABYTES


def test_all_notebooks_together_are_cheap_enough():
    assert sum(cost["seconds"] for cost in TIMINGS.values()) <= MAX_TOTAL_SECONDS
