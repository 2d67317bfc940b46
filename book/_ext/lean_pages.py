"""Leave out what a page loads and does not use.

Thebe's scripts need a server, name a remote address, and are added twice, which
browsers report as an error. Font Awesome's script weighs half a megabyte for a dozen
icons; the book draws its own in `_static/css/icons.css`.
"""

import re

from sphinx.application import Sphinx

ICON_SCRIPT = re.compile(r"<script[^>]*fontawesome[^>]*></script>")


def without_icon_script(head: str) -> str:
    """Take Font Awesome's script out of the head that the theme writes."""
    return ICON_SCRIPT.sub("", head)


def drop_scripts(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Take Thebe out of the page's scripts; give the template its filter."""
    context["without_icon_script"] = without_icon_script
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{script.filename} {script.attributes}".lower()
    ]


def setup(app: Sphinx) -> dict:
    """Register the extension, after those that add scripts."""
    app.connect("html-page-context", drop_scripts, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
