"""What the pages of the book cost their reader: kilobytes and time to paint.

Each page is opened with an empty cache from a server on the loopback interface.
Kilobytes are those of all files that it loads, text gzipped; the paint is the largest
contentful one. Needs Chromium.
"""

import atexit
import functools
import tempfile
from pathlib import Path

import pages
import site_browser

SETTINGS = {"viewport": [1280, 900]}
SEEDS = (0, 1, 2, 3, 4)


@functools.cache
def _site() -> Path:
    place = tempfile.TemporaryDirectory()
    atexit.register(place.cleanup)
    return site_browser.build(Path(place.name))


def run(seed: int, viewport: list[int]) -> dict:
    """Kilobytes and milliseconds until the largest paint, page by page."""
    figures = {}
    with site_browser.serve(_site()) as address, site_browser.open_browser() as browser:
        for page in pages.load_book():
            url = f"{address}/book/{page.address}.html"
            cost = site_browser.weigh(browser, url, viewport)
            name = page.address
            figures[f"{name}_kb"] = sum(cost["bytes_by_file"].values()) / 1000
            figures[f"{name}_paint_ms"] = cost["paint_ms"]
    return figures
