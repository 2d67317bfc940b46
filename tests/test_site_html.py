"""The rendered HTML: every link leads somewhere, and nothing comes from elsewhere."""

import json
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pages
import pytest
from bs4 import BeautifulSoup

EXTERNAL = {"http", "https", "mailto"}
LOADED = ("script[src]", "link[href]", "img[src]", "source[src]", "iframe[src]")


@pytest.fixture(scope="session")
def documents(site) -> dict[Path, BeautifulSoup]:
    """Parsed HTML of every file that the build wrote."""
    return {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.relative_to(site).parts
    }


def test_every_page_was_rendered(site, documents):
    for page in pages.load_book():
        assert site / "book" / f"{page.address}.html" in documents


def test_internal_links_resolve(documents):
    broken = []
    anchors = {
        path: {tag.get("id") or tag.get("name") for tag in soup.select("[id], a[name]")}
        for path, soup in documents.items()
    }
    for path, soup in documents.items():
        for link in soup.select("a[href]"):
            parts = urlsplit(link["href"])
            if parts.scheme in EXTERNAL or link["href"] == "#":
                continue
            target = path
            if parts.path:
                target = (path.parent / unquote(parts.path)).resolve()
            known = target.exists()
            if known and parts.fragment and target in anchors:
                known = unquote(parts.fragment) in anchors[target]
            if not known:
                broken.append(f"{path.name}: {link['href']}")
    assert not broken, "\n".join(broken)


def test_an_identifier_names_one_thing_of_a_page(documents):
    for path, soup in documents.items():
        ids = Counter(tag["id"] for tag in soup.select("[id]"))
        repeated = {name for name, times in ids.items() if times > 1}
        assert not repeated, f"{path.name}: {repeated}"


def test_files_that_a_page_loads_are_there(documents):
    for path, soup in documents.items():
        for tag in soup.select(", ".join(LOADED)):
            parts = urlsplit(tag.get("src") or tag["href"])
            if parts.scheme or parts.netloc or tag.get("rel") in (["next"], ["prev"]):
                continue
            assert (path.parent / unquote(parts.path)).exists(), f"{path.name}: {tag}"


def test_every_page_names_itself(site, documents):
    for path, soup in documents.items():
        assert soup.html["lang"] == "en", path
        assert "not set" not in soup.title.text and soup.title.text.strip(), path
    for page in pages.load_book():
        soup = documents[site / "book" / f"{page.address}.html"]
        questions = re.findall(r"^\*\*([^*]+?)\*\*$", page.markdown, re.MULTILINE)
        assert questions or page.kind == "reference", page.address
        for question in questions[:1]:
            said = soup.select_one("meta[name=description]")["content"]
            assert said == " ".join(question.replace("'", "’").split())
        footer = soup.select_one("footer.bd-footer-content").text
        assert "CC BY 4.0" in footer and "MIT" in footer
        site_name = soup.select_one("meta[property='og:site_name']")["content"]
        assert site_name == "The AI Architect's Handbook"


def test_downloads_read_nothing_beside_them(site):
    for page in pages.load_book():
        if page.is_notebook:
            file = site / "downloads" / f"{page.address}.ipynb"
            code = [
                "".join(cell["source"])
                for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
                if cell["cell_type"] == "code"
            ]
            assert not [text for text in code if "../" in text]


def test_nothing_is_loaded_from_elsewhere(documents):
    remote = [
        f"{path.name}: {tag}"
        for path, soup in documents.items()
        for tag in soup.select(", ".join(LOADED))
        if urlsplit(tag.get("src") or tag["href"]).netloc
        and tag.get("rel") != ["canonical"]
    ]
    assert not remote, "\n".join(remote)


def test_every_image_has_an_alternative_text(documents):
    for path, soup in documents.items():
        for image in soup.select("main img"):
            assert image.get("alt", "").strip(), f"{path.name}: {image['src']}"
            assert image["alt"] != image["src"], f"{path.name}: {image['src']}"
