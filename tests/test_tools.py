"""The tools: reading pages, running notebooks in place, the report of numbers."""

import base64
import io
import json
import signal
import subprocess
import sys
import time

import generate
import nbformat
import notebooks
import numpy as np
import pages
import planted
import pytest
from PIL import Image, ImageDraw

TEXT = """# Title

(planted-idea)=
A number 3.14 in prose, `0.5` in code, $0.25$ in a formula, {glue:}`two` by claim.

$$ y = 1.5 $$ (eq-first)

$$ z = 2 $$

$$
w
$$ (eq-second)

::::{exercise} One
:label: ex-planted-one
Why?
:::{dropdown} Hint
So.
:::
::::

:::{solution} ex-planted-one
:class: dropdown
```python
answer_one = 1
```
:::
"""
CODE = {
    "number": "number = 2",
    "claim": (
        'from aiarch.claims import claim\nclaim("two", number, equal_to=2, name="two")'
    ),
}


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A page in a book of its own."""
    monkeypatch.setattr(pages, "BOOK", tmp_path)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    cells = [nbformat.v4.new_markdown_cell(TEXT)]
    cells += [nbformat.v4.new_code_cell(code) for code in CODE.values()]
    metadata = {"aiarch": {"kind": "lab"}, "widgets": {"noise": 1}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    path = tmp_path / "part" / "planted.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)
    return path


def test_a_page_is_read_as_written(page):
    found = pages.load_page(page)
    assert (found.address, found.kind, found.title) == ("part/planted", "lab", "Title")
    assert found.labels == ["planted-idea"]
    assert found.equations == ["eq-first", "eq-second"]
    assert found.exercises == ["ex-planted-one"]
    assert found.solutions == {"ex-planted-one": "answer_one = 1\n"}


def test_only_decimals_without_a_source_are_reported(page):
    assert [number for number, _ in pages.load_page(page).typed_decimals()] == ["3.14"]


def test_executing_stores_outputs_and_cost_and_is_repeatable(page):
    # What the starting process holds is no cost of the page.
    held = bytearray(b"1") * 10**9
    cost = notebooks.execute(page)
    del held
    first = page.read_text()
    assert 0 < cost["seconds"] < 60 and 20 < cost["peak_memory_mb"] < 1000
    notebook = json.loads(first)
    counts = [c["execution_count"] for c in notebook["cells"] if "outputs" in c]
    assert counts == [1, 2]
    assert pages.load_page(page).claims[0]["name"] == "two"
    assert set(notebook["metadata"]) == {"aiarch", "kernelspec", "language_info"}
    assert cost["code_hash"] == pages.load_page(page).code_hash
    notebooks.execute(page)
    assert page.read_text() == first


def as_stored(picture):
    written = io.BytesIO()
    picture.save(written, "png", compress_level=0)
    return base64.b64encode(written.getvalue()).decode()


def test_pictures_are_stored_lighter_where_nobody_sees_it():
    drawing = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(drawing).line((10, 10, 290, 190), fill="#0072B2", width=5)
    stored = notebooks._lighter(as_stored(drawing))
    light = Image.open(io.BytesIO(base64.b64decode(stored))).convert("RGB")
    assert len(stored) < len(as_stored(drawing)) / 10
    assert light.tobytes() == drawing.tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    photograph = as_stored(Image.fromarray(noise))
    assert notebooks._lighter(photograph) == photograph


def test_an_exception_leaves_the_old_notebook_whole(page):
    broken = page.read_text().replace("number = 2", "number = 1 / 0")
    page.write_text(broken)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        notebooks.execute(page)
    assert page.read_text() == broken
    assert [path.name for path in page.parent.iterdir()] == ["planted.ipynb"]


def test_an_interruption_leaves_the_old_notebook_whole(page, root, tmp_path):
    started = tmp_path / "started"
    wait = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); "
    slow = page.read_text().replace("number = 2", wait + "time.sleep(600)")
    page.write_text(slow)
    # A shell's background job ignores interruptions, and its children with it.
    code = "import notebooks, pathlib, signal; "
    code += "signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += f"notebooks.execute(pathlib.Path({str(page)!r}))"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=root / "tools")
    for _ in range(600):
        time.sleep(0.1)
        if started.exists() or run.poll() is not None:
            break
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=60) != 0
    assert started.exists()
    assert page.read_text() == slow
    assert [path.name for path in page.parent.iterdir()] == ["planted.ipynb"]


def test_a_planted_wrong_method_makes_the_claim_fail(page):
    from aiarch.claims import ClaimError

    assert planted.run_page(page, until="two")["number"] == 2
    with pytest.raises(ClaimError, match="two: measured 3"):
        planted.run_page(page, until="two", replacing={"number = 2": "number = 3"})
    with pytest.raises(ValueError, match="does not occur"):
        planted.run_page(page, replacing={"number = 7": "number = 3"})
    with pytest.raises(ValueError, match="is no claim"):
        planted.run_page(page, until="three")


def test_portable_runs_the_other_settings_and_sees_a_difference(page, monkeypatch):
    monkeypatch.setattr(notebooks, "ROOT", pages.ROOT)
    prints = page.read_text().replace(
        "number = 2", "import os; print(os.environ.get('OMP_NUM_THREADS', 'all'))"
    )
    page.write_text(prints)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    text = json.loads(page.read_text())
    text["cells"] = text["cells"][:2]
    page.write_text(json.dumps(text))
    notebooks.execute(page)
    assert "all\\n" in page.read_text()
    assert notebooks.portable([page]) == 1


def test_costs_are_said_in_words():
    cost = {"seconds": 21.4, "peak_memory_mb": 922, "code_hash": ""}
    assert generate.describe_cost(cost) == "21 s and 0.9 GB"


def test_markdown_is_escaped():
    assert generate.escape("a*b_c [d] <e> $f$") == r"a\*b\_c \[d\] \<e\> \$f\$"
