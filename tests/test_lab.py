"""In JupyterLab, started as `make lab` starts it, pages show values and boxes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import notebooks
import pages
import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
TEXT = """# Title

It costs {cost}`part/page`; two and two make {glue:}`four`.

::::{exercise} Number one
:label: ex-page-one
Look.
::::
"""
CODE = """from aiarch.claims import claim
claim("four", 2 + 2, equal_to=4, name="four", shown="{:.2f}")"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium: install the system's package chromium"
    ),
]


@pytest.fixture
def book(tmp_path):
    """A folder like book/, with one page that was run."""
    cells = [nbformat.v4.new_markdown_cell(TEXT), nbformat.v4.new_code_cell(CODE)]
    path = tmp_path / "part" / "page.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    notebooks.execute(path)
    cost = {"seconds": 12.3, "peak_memory_mb": 1234, "code_hash": ""}
    timings = {"machine": "2 cores", "pages": {"part/page": cost}}
    (tmp_path / "appendix").mkdir()
    (tmp_path / "appendix" / "timings.json").write_text(json.dumps(timings))
    return tmp_path


@pytest.fixture
def lab(book, tmp_path):
    """Address of a JupyterLab on that folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    extensions = str(pages.ROOT / "tools" / "labextensions")
    makefile = (pages.ROOT / "Makefile").read_text()
    option = "--LabApp.extra_labextensions_path"
    assert f"{option}=$(abspath tools/labextensions)" in makefile
    command = [sys.executable, "-m", "jupyterlab", str(book), "--no-browser"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--allow-root"]
    command += ["--IdentityProvider.token=", f"{option}={extensions}"]
    settings = {**os.environ, "HOME": str(tmp_path / "home")}
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(120):
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                urllib.request.urlopen(f"{address}/lab", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:  # a kernel that does not end
            server.kill()
            server.wait()
        log.close()


def test_a_page_shows_its_measured_values(lab):
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        tab = browser.new_page()
        tab.goto(f"{lab}/lab/tree/part/page.ipynb")
        prose = tab.locator(".jp-MarkdownCell p", has_text="It costs")
        prose.wait_for(timeout=60_000)
        tab.wait_for_function(
            "[...document.querySelectorAll('.jp-MarkdownCell p')]"
            ".some(p => p.textContent.includes('make 4.00'))",
            timeout=20_000,
        )
        assert prose.inner_text() == (
            "It costs 12 s and 1.2 GB on 2 cores, no GPU; two and two make 4.00."
        )
        assert "Exercise 1" in tab.locator(".jp-MarkdownCell").first.inner_text()
        browser.close()
