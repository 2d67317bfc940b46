"""Keep punctuation on the line of the formula that it follows.

Browsers may break a line between an inline formula and the full stop behind it.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

CLOSING = re.compile(r"[.,;:!?)\]}’”…–%]+")


class JoinPunctuation(SphinxPostTransform):
    """Put a formula and the punctuation after it into one unbreakable span."""

    default_priority = 200
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Look behind every inline formula of a page."""
        for formula in list(self.document.findall(nodes.math)):
            parent = formula.parent
            after = formula.next_node(descend=False, siblings=True)
            if not isinstance(after, nodes.Text) or after.parent is not parent:
                continue
            found = CLOSING.match(after.astext())
            if not found:
                continue
            at = parent.index(formula)
            rest = nodes.Text(after.astext()[found.end() :])
            joined = nodes.inline("", "", formula, nodes.Text(found[0]))
            joined["classes"].append("unbroken")
            parent[at : at + 2] = [joined, rest]


def setup(app: Sphinx) -> dict:
    """Register the transform."""
    app.add_post_transform(JoinPunctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
