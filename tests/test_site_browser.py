"""The rendered HTML in a real browser that reaches nothing but this machine."""

import functools
import http.server
import shutil
import threading

import pages
import pytest
from playwright.sync_api import sync_playwright

BOOK = pages.load_book()
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WIDTHS = (390, 768, 1280)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium: install the system's package chromium"
    ),
]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site):
    """Address of a server of the rendered HTML on the loopback interface."""
    handler = functools.partial(QuietHandler, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield found
        found.close()


@pytest.mark.parametrize("page", BOOK, ids=lambda page: page.address)
def test_page_works_without_a_network(page, address, browser):
    refused, troubles = [], []

    def only_this_machine(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        tab.route("**/*", only_this_machine)
        tab.on("console", lambda m: troubles.append(m.text) if m.type == "error" else 0)
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.goto(f"{address}/book/{page.address}.html", wait_until="networkidle")
        formulas = tab.locator("main .math").count()
        if formulas:
            tab.wait_for_selector("mjx-container", timeout=20_000, state="attached")
        assert tab.locator("mjx-container").count() >= formulas
        assert tab.locator("mjx-merror").count() == 0
        assert tab.evaluate(
            "[...document.querySelectorAll('main img')]"
            ".every(image => image.complete && image.naturalWidth > 0)"
        )
        for width in WIDTHS:
            tab.set_viewport_size({"width": width, "height": 900})
            wide = tab.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{page.address} is {wide} px wide at {width} px"
        assert not refused, f"{page.address} asks for {refused}"
        assert not troubles, f"{page.address}: {troubles}"
    finally:
        tab.close()
