"""Leave out the scripts of Thebe, which Jupyter Book adds even when it is switched off.

They are of no use without a server, name a remote address, and are added twice, which
browsers report as an error.
"""

from sphinx.application import Sphinx


def drop_thebe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Take the scripts out of the list that the page's template writes."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in f"{script.filename} {script.attributes}".lower()
    ]


def setup(app: Sphinx) -> dict:
    """Register the extension, after those that add scripts."""
    app.connect("html-page-context", drop_thebe, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
