"""Serve MathJax from the book itself, so that mathematics shows without a network.

The files come from the wheel `django-static-mathjax`; only the TeX-to-HTML bundle, its
fonts and the extensions that it loads when a page uses their commands are copied.
"""

import importlib.metadata
import shutil
from pathlib import Path

from sphinx.application import Sphinx

WHEEL = "django-static-mathjax"
BUNDLE = "tex-chtml.js"
FONTS = "output/chtml/fonts/woff-v2"
EXTENSIONS = "input/tex/extensions"
FOLDER = "_static/mathjax"


def mathjax_files() -> Path:
    """Folder `es5` of the MathJax that the installed wheel carries."""
    distribution = importlib.metadata.distribution(WHEEL)
    return Path(distribution.locate_file("mathjax/static/mathjax/es5"))


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put bundle and fonts beside the pages once they are written."""
    if error or app.builder.format != "html":
        return
    target = Path(app.outdir) / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy2(mathjax_files() / BUNDLE, target / BUNDLE)
    for folder in (FONTS, EXTENSIONS):
        shutil.copytree(mathjax_files() / folder, target / folder, dirs_exist_ok=True)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.config.mathjax_path = f"mathjax/{BUNDLE}"
    app.connect("build-finished", copy_mathjax)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
