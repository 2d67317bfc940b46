"""Let a reader run a chapter: its notebook to download, and a line that installs.

Each notebook is written to `downloads/` so that it stands alone: a cell writes the
checks of the exercises, and measured values stand in the text. The package lies beside
as a wheel, so the line in a page's head works from any host and from a folder.
"""

import copy
import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "downloads"
PACKAGED = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "src")
GLUE_PREFIX = "application/papermill.record/"


def stand_alone(notebook: dict, checks: Path) -> dict:
    """Copy of a notebook that needs no file beside it.

    Args:
        notebook: the notebook as JSON.
        checks: the file of its exercises' checks; need not exist.
    """
    notebook = copy.deepcopy(notebook)
    values = _glued(notebook)
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(
                r"\{glue:\}`([^`]+)`", lambda found: values[found[1]], text
            )
        elif f"from {checks.stem} import" in text and checks.exists():
            written = f"%%writefile {checks.name}\n{checks.read_text('utf-8')}"
            cells.append(
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": "checks",
                    "metadata": {"jupyter": {"source_hidden": True}},
                    "outputs": [],
                    "source": written,
                }
            )
        cells.append(cell)
    notebook["cells"] = cells
    return notebook


def wheel_name(root: Path) -> str:
    """File name of the package's wheel."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return f"{project['name']}-{project['version']}-py3-none-any.whl"


def build_wheel(root: Path, folder: Path) -> None:
    """Build the package's wheel into a folder, from a copy, without a network."""
    with tempfile.TemporaryDirectory() as place:
        for name in PACKAGED:
            source, target = root / name, Path(place) / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
        command = [sys.executable, "-m", "pip", "wheel", place, "--quiet"]
        command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
        subprocess.run(command, check=True)


def _glued(notebook: dict) -> dict[str, str]:
    """Values that claims recorded for the text, by name."""
    values = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            glue = output.get("metadata", {}).get("scrapbook")
            if glue:
                record = "".join(output["data"][f"{GLUE_PREFIX}text/html"])
                values[glue["name"]] = html.unescape(re.sub("<[^>]+>", "", record))
    return values


def _is_notebook(app: Sphinx, name: str) -> bool:
    return app.env.doc2path(name).endswith(".ipynb")


def add_to_head(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Add to a notebook's head where to get it and what to install."""
    if app.builder.format != "html" or not _is_notebook(app, name):
        return
    up = "../" * name.count("/")
    address = name.removeprefix("book/")
    link = (
        f'<strong>To run it</strong> install this, and open <a class="download" '
        f'href="{up}{FOLDER}/{address}.ipynb" download>the notebook</a>:'
    )
    line = (
        f'pip install jupyterlab "aiarch[jax] @ {up}{FOLDER}/{wheel_name(_root(app))}"'
    )
    for head in doctree.findall(nodes.admonition):
        if "page-head" in head["classes"]:
            head += nodes.raw("", f"<p>{link}</p>", format="html")
            head += nodes.literal_block(
                line, line, language="text", classes=["install"]
            )


def write_downloads(app: Sphinx, error: Exception | None) -> None:
    """Write notebooks and wheel beside the pages."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    for name in sorted(app.env.found_docs):
        if not _is_notebook(app, name):
            continue
        path = Path(app.env.doc2path(name))
        checks = path.with_name(f"{path.stem.replace('-', '_')}_exercises.py")
        notebook = stand_alone(json.loads(path.read_text("utf-8")), checks)
        target = folder / f"{name.removeprefix('book/')}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    build_wheel(_root(app), folder)


def _root(app: Sphinx) -> Path:
    return Path(app.srcdir)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("doctree-resolved", add_to_head)
    app.connect("build-finished", write_downloads)
    app.add_js_file("page.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
