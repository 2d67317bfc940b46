"""Run a chapter's code in a test, with errors planted that a claim must refuse."""

import contextlib
import importlib.util
import io
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import pages
import pytest

from aiarch.claims import ClaimError


def run_page(
    path: Path | str,
    *,
    until: str | None = None,
    replacing: dict[str, str] | None = None,
    skip_tags: tuple[str, ...] = (),
    after: str | None = None,
    alone: bool = False,
) -> dict:
    """Run a page's code in this process, with fragments of it replaced.

    Args:
        path: the notebook, absolute or relative to the project's root.
        until: name of the claim after whose cell to stop. By default all runs.
        replacing: fragments of code and what to put in their place. Each fragment
            must occur in the code that runs.
        skip_tags: cells with one of these tags are left out, and so are figures.
        after: a fragment of a cell. Of the code before that cell only the first two
            cells run, which prepare what all sections share.
        alone: whether to leave out all claims but that of `until`.

    Returns:
        The variables of the page after its last cell.

    Raises:
        ValueError: if a fragment or the claim's name does not occur.
        aiarch.claims.ClaimError: if a claim fails, as a planted one should.
    """
    page = pages.load_page(pages.ROOT / path)
    begin = 0
    if after is not None:
        found = [n for n, c in enumerate(page.cells) if after in pages.source(c)]
        if not found:
            raise ValueError(f"after={after!r} does not occur in {page.address}.")
        begin = found[0]
    cells = [
        pages.source(cell)
        for count, (number, cell) in enumerate(page.code_cells)
        if (count < 2 or number > begin)
        and "mystnb" not in cell["metadata"]
        and not set(cell["metadata"].get("tags", [])) & set(skip_tags)
    ]
    if until is not None:
        ends = [n for n, code in enumerate(cells) if f'name="{until}"' in code]
        if not ends:
            raise ValueError(f"until={until!r} is no claim of {page.address}.")
        cells, last = cells[: ends[0]], cells[ends[0]]
        if alone:
            cells = [code for code in cells if not code.startswith("claim(")]
        cells.append(last)
    for old, new in (replacing or {}).items():
        if not any(old in code for code in cells):
            raise ValueError(f"{old!r} does not occur in what runs of {page.address}.")
        cells = [code.replace(old, new) for code in cells]
    variables = {"__name__": page.name}
    folder, path_before = Path.cwd(), list(sys.path)
    try:
        os.chdir(page.path.parent)
        sys.path.insert(0, str(page.path.parent))
        with contextlib.redirect_stdout(io.StringIO()):
            for code in cells:
                exec(compile(code, str(page.path), "exec"), variables)
    finally:
        os.chdir(folder)
        sys.path[:] = path_before
    return variables


def refused(path: Path | str, name: str):
    """Expect the failure of this claim of a page, and of no other."""
    claims = pages.load_page(pages.ROOT / path).claims
    text = {record["name"]: record["text"] for record in claims}[name]
    return pytest.raises(ClaimError, match=re.escape(text))


def check_refused(
    path: Path | str,
    name: str,
    replacing: dict[str, str],
    *,
    skip_tags: tuple[str, ...] = ("slow",),
    after: str | None = None,
) -> None:
    """Plant what `replacing` says in a page and see its claim `name` fail."""
    with refused(path, name):
        run_page(
            path,
            until=name,
            replacing=replacing,
            skip_tags=skip_tags,
            after=after,
            alone=True,
        )


def each(faults: list[tuple], arguments: tuple[str, ...] = ("name", "replacing")):
    """Run a test for each fault, a tuple of these arguments; `name` identifies it."""
    values = [pytest.param(name, *rest, id=name) for name, *rest in faults]
    return pytest.mark.parametrize(arguments, values)


def load_checks(address: str) -> ModuleType:
    """Load the checks of a chapter's exercises; `address` as `optimizers/adam`."""
    path = pages.load_page(pages.BOOK / f"{address}.ipynb").exercises_path
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
