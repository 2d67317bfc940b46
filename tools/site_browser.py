"""Render the book, serve it on the loopback interface, read it in headless Chromium.

Used by the tests of the site and by `benchmarks/pages.py`.
"""

import contextlib
import functools
import gzip
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pages import ROOT
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Already compressed; web servers send them as they are.
COMPRESSED = {".woff", ".woff2", ".png", ".jpg", ".gif", ".zip", ".whl"}
TYPESET = """() => Promise.race([
    window.MathJax?.startup?.promise,
    new Promise((_, fail) => setTimeout(fail, 30000, "mathematics takes too long")),
])"""
LARGEST_PAINT_MS = """() => new Promise(resolve => {
    const seen = list => resolve(list.getEntries().at(-1).startTime);
    new PerformanceObserver(seen).observe(
        {type: "largest-contentful-paint", buffered: true});
})"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, answers a missing one as static hosts do, and writes no log."""

    def log_message(self, *arguments):
        """Say nothing."""

    def send_error(self, code, message=None, explain=None):
        """Send the book's own page for an address that leads nowhere."""
        page = Path(self.directory) / "404.html"
        if code != 404 or not page.exists():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def build(target: Path) -> Path:
    """Render the book as `make book` does, and return the folder of its HTML.

    Raises:
        RuntimeError: if the build warns or fails.
    """
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(ROOT)]
    command += ["--path-output", str(target), "--all", "--quiet"]
    command += ["--warningiserror", "--nitpick", "--keep-going"]
    built = subprocess.run(command, capture_output=True, text=True)
    if built.returncode:
        raise RuntimeError(f"the book does not build:\n{built.stderr[-6000:]}")
    return target / "_build" / "html"


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder while the context lasts; gives the server's address."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless Chromium and close it when the context ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def typeset(tab: Page) -> None:
    """Wait until MathJax, where the page has it, has set all mathematics."""
    tab.wait_for_load_state("networkidle")
    tab.evaluate(TYPESET)
    tab.wait_for_load_state("networkidle")


def scroll_through(tab: Page) -> None:
    """Scroll to the end, so that what loads late is loaded too."""
    tab.evaluate("""async () => {
        for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
            scrollTo(0, y);
            await new Promise(resolve => setTimeout(resolve, 20));
        }
    }""")
    tab.wait_for_load_state("networkidle")


def weigh(browser: Browser, url: str, viewport: tuple = (1280, 900)) -> dict:
    """Open a page with an empty cache and read what it costs.

    Returns:
        `bytes_by_file`: size of every file that the page loads, text gzipped as web
        servers send it; `paint_ms`: time of the largest contentful paint.
    """
    width, height = viewport
    context = browser.new_context(viewport={"width": width, "height": height})
    tab = context.new_page()
    responses = []
    tab.on("response", lambda response: responses.append(response))
    try:
        tab.goto(url)
        typeset(tab)
        paint_ms = tab.evaluate(LARGEST_PAINT_MS)
        scroll_through(tab)
        sizes = {response.url: _sent_bytes(response) for response in responses}
    finally:
        context.close()
    return {"bytes_by_file": sizes, "paint_ms": paint_ms}


def _sent_bytes(response) -> int:
    body = response.body()
    if Path(urlsplit(response.url).path).suffix in COMPRESSED:
        return len(body)
    return len(gzip.compress(body, 6))
