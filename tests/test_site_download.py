"""The notebook that a page offers runs after the one line that the page shows."""

import os
import shlex
import site
import subprocess
import venv

import nbformat
import pages
import pytest
import site_browser

# The chapter that reads a stored result and checks exercises.
CHAPTER = pages.load_page(pages.BOOK / "foundations" / "measuring.ipynb")
RUN = """
import nbformat, nbclient, sys
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
nbformat.write(notebook, sys.argv[1])
"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        site_browser.CHROMIUM is None,
        reason="needs Chromium: install the system's package chromium",
    ),
]


def test_the_downloaded_notebook_runs_after_the_line_shown(address, browser, tmp_path):
    tab = browser.new_page()
    tab.goto(f"{address}/book/{CHAPTER.address}.html")
    with tab.expect_download() as waiting:
        tab.locator(".page-head a.download").click()
    notebook = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(notebook)
    line = tab.locator(".page-head .install pre").inner_text()
    tab.close()

    # An environment that has the packages the line asks for, but not the book's own.
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text("\n".join(site.getsitepackages()))
    variables = {**os.environ, "PIP_NO_INDEX": "1", "PYTHONWARNINGS": ""}
    program, *arguments = shlex.split(line)
    assert (program, arguments[0]) == ("pip", "install")
    subprocess.run([python, "-m", "pip", *arguments], env=variables, check=True)
    where = "import aiarch; print(aiarch.__file__)"
    found = subprocess.check_output([python, "-c", where], cwd=tmp_path, text=True)
    assert found.startswith(str(packages))

    subprocess.run(
        [python, "-c", RUN, notebook], env=variables, cwd=tmp_path, check=True
    )
    cells = nbformat.read(notebook, as_version=4).cells
    claims = [
        output.metadata.aiarch.claim.name
        for cell in cells
        for output in cell.get("outputs", [])
        if "claim" in output.get("metadata", {}).get("aiarch", {})
    ]
    assert claims == [claim["name"] for claim in CHAPTER.claims]
    prose = "".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert "{glue:" not in prose
