"""Let a reader run a chapter: its notebook to download, and a line that installs.

Each notebook is written to `downloads/` so that it stands alone: cells write the files
that lie beside it in the book, and measured values stand in the text. The package lies
there too, as a wheel, so the line in a page's head works from any host and any folder.
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

import cost
from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "downloads"
PACKAGED = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "src")
GLUE_PREFIX = "application/papermill.record/"
STORED = re.compile(r"(?:\.\./)+benchmarks/results/[\w./-]+")


def stand_alone(notebook: dict, path: Path) -> dict:
    """Copy of a notebook that needs no file beside it.

    Args:
        notebook: the notebook as JSON.
        path: its file; beside it may lie the checks of its exercises, and by relative
            paths its code may read stored results of benchmarks.
    """
    notebook = copy.deepcopy(notebook)
    values = _glued(notebook)
    checks = path.with_name(f"{path.stem.replace('-', '_')}_exercises.py")
    needed = {f"from {checks.stem} import": checks} if checks.exists() else {}
    cells = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            text = re.sub(r"\{glue:\}`([^`]+)`", lambda found: values[found[1]], text)
            cell["source"] = re.sub(
                r"\{cost\}`([^`]+)`", lambda found: cost.describe(found[1]), text
            )
        else:
            for found in STORED.findall(text):
                needed[found] = path.parent / found
            for mark in [mark for mark in needed if mark in text]:
                cells.append(_writing(needed.pop(mark)))
            cell["source"] = STORED.sub(lambda found: Path(found[0]).name, text)
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


def _writing(path: Path) -> dict:
    """A folded cell that writes a file of the book into the reader's folder."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": re.sub(r"\W", "-", path.name)[:64],
        "metadata": {"jupyter": {"source_hidden": True}},
        "outputs": [],
        "source": f"%%writefile {path.name}\n{path.read_text('utf-8')}",
    }


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
    file = f"{name.removeprefix('book/')}.ipynb"
    words = (
        "<p><strong>To run it</strong> install this in an environment of Python "
        f'3.11 to 3.13, get <a class="download" href="{up}{FOLDER}/{file}" download>'
        f"the notebook</a>, and say <code>jupyter lab {Path(file).name}</code>:</p>"
    )
    wheel = f"{app.config.html_baseurl or up}{FOLDER}/{wheel_name(Path(app.srcdir))}"
    line = f'pip install jupyterlab jupyterlab-myst "aiarch[jax] @ {wheel}"'
    block = nodes.literal_block(line, line, language="text")
    block["classes"].append("install")
    for head in doctree.findall(nodes.admonition):
        if "page-head" in head["classes"]:
            head += [nodes.raw("", words, format="html"), block]


def write_downloads(app: Sphinx, error: Exception | None) -> None:
    """Write notebooks and wheel beside the pages."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    for name in sorted(app.env.found_docs):
        if not _is_notebook(app, name):
            continue
        path = Path(app.env.doc2path(name))
        notebook = stand_alone(json.loads(path.read_text("utf-8")), path)
        target = folder / f"{name.removeprefix('book/')}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    build_wheel(Path(app.srcdir), folder)


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("doctree-resolved", add_to_head)
    app.connect("build-finished", write_downloads)
    app.add_js_file("page.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
