"""Leave out what a page loads and does not use.

Thebe's scripts need a server, name a remote address, and are added twice, which
browsers report as an error. Font Awesome's script weighs half a megabyte for a dozen
icons; the book draws its own in `_static/css/icons.css`. The scripts of the search,
with an index that grows with the book, are of use on the search page alone.
"""

import re

from sphinx.application import Sphinx

UNUSED = re.compile(
    r"<script[^>]*(fontawesome|searchtools|language_data|searchindex)[^>]*></script>"
)


def without_unused_scripts(head: str) -> str:
    """Take scripts without use out of the head that the theme writes."""
    return UNUSED.sub("", head)


def drop_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Take Thebe out of the page's scripts; give the template its filter."""
    context["without_unused_scripts"] = without_unused_scripts
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{script.filename} {script.attributes}".lower()
    ]


def setup(app: Sphinx) -> dict:
    """Register the extension, after those that add scripts."""
    app.connect("html-page-context", drop_scripts, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
