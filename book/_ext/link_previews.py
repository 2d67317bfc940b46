"""What a link to a page shows elsewhere: the question that the page answers, a picture.

Where the book is published under a known address, AIARCH_BASE_URL names it; then pages
also say which address is theirs.
"""

import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config


def question(doctree: nodes.document | None) -> str:
    """The page's question: its first paragraph, which is bold as a whole."""
    if doctree is not None:
        for paragraph in doctree.findall(nodes.paragraph):
            parts = [type(part) for part in paragraph.children if part.astext()]
            only = parts == [nodes.strong]
            return paragraph.astext().replace("\n", " ") if only else ""
    return ""


def describe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Give the template the page's question and the book's address."""
    context["page_description"] = question(doctree)
    context["site_address"] = app.config.html_baseurl


def take_address(app: Sphinx, config: Config) -> None:
    """Read the address under which the book is published."""
    address = os.environ.get("AIARCH_BASE_URL", "")
    if address:
        config.html_baseurl = address.rstrip("/") + "/"


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("config-inited", take_address)
    app.connect("html-page-context", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
