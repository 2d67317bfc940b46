"""The role `cost`: seconds and peak memory of a notebook, as last measured."""

import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import generate  # noqa: E402


def describe(address: str) -> str:
    """What a page costs, in words.

    Raises:
        KeyError: if the page was not measured.
    """
    timings = generate.read_timings()
    words = generate.describe_cost(timings["pages"][address])
    return f"{words} on {timings['machine']}, no GPU"


def cost_role(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: Inliner,
    options: dict | None = None,
    content: list | None = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Replace a page's address by what the page costs to run."""
    try:
        return [nodes.Text(describe(text))], []
    except KeyError:
        message = f"no timing of {text!r}; run `make notebooks`"
        return [], [inliner.reporter.error(message, line=lineno)]


def setup(app: Sphinx) -> dict:
    """Register the role."""
    app.add_role("cost", cost_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
