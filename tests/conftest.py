"""Shared by all tests: the project's root and the book, rendered once a run."""

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
    import site_browser

    return site_browser.build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def address(site):
    """Address of a server of the rendered HTML on the loopback interface."""
    import site_browser

    with site_browser.serve(site) as found:
        yield found


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, one a module: two in one process exclude each other."""
    import site_browser

    with site_browser.open_browser() as found:
        yield found
