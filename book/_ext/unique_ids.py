"""Drop identifiers that boxes repeat, so that each one of a page is unique.

Sphinx-proof and sphinx-exercise give the inside of every box of a kind the same
identifier, and every proof without a label the identifier `proof`. Nothing links there.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

SHARED = {"proof", "proof-content", "exercise-content", "solution-content"}


class DropRepeatedIds(SphinxPostTransform):
    """Take away the identifiers that boxes share."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Look at every node of a page that has an identifier."""
        for node in self.document.findall(nodes.Element):
            node["ids"] = [name for name in node.get("ids", []) if name not in SHARED]


def setup(app: Sphinx) -> dict:
    """Register the transform."""
    app.add_post_transform(DropRepeatedIds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
