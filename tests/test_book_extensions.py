"""The book's own Sphinx extensions."""

import zipfile

import cost
import docutils.core
import docutils.nodes
import downloads
import generate
import lean_pages
import link_previews
import offline_mathematics
import punctuation


class Reporter:
    """Collects errors as docutils would."""

    def error(self, message, line):
        """Return what was said and where."""
        return (message, line)


class Inliner:
    """What a role needs of docutils."""

    reporter = Reporter()


def test_the_role_says_what_a_page_costs(monkeypatch):
    page = {"seconds": 12.3, "peak_memory_mb": 1234}
    timings = {"machine": "2 cores", "pages": {"part/page": page}}
    monkeypatch.setattr(generate, "read_timings", lambda: timings)
    (text,), messages = cost.cost_role("cost", "", "part/page", 1, Inliner)
    assert text.astext() == "12 s and 1.2 GB on 2 cores, no GPU"
    assert not messages


def test_a_page_that_was_not_measured_is_an_error(monkeypatch):
    timings = {"machine": "2 cores", "pages": {}}
    monkeypatch.setattr(generate, "read_timings", lambda: timings)
    _, ((message, line),) = cost.cost_role("cost", "", "part/page", 7, Inliner)
    assert "no timing of 'part/page'; run `make notebooks`" in message and line == 7


def test_mathjax_is_at_hand_with_its_fonts():
    folder = offline_mathematics.mathjax_files()
    assert (folder / offline_mathematics.BUNDLE).stat().st_size > 500_000
    assert len(list((folder / offline_mathematics.FONTS).glob("*.woff"))) > 10


def test_scripts_of_live_code_are_left_out():
    class Script:
        def __init__(self, filename, **attributes):
            self.filename, self.attributes = filename, attributes

    kept = Script("_static/copybutton.js")
    thebe = Script("_static/sphinx-thebe.js", **{"async": "async"})
    inline = Script(None, body="var thebe_selector = '.thebe'")
    context = {"script_files": [kept, thebe, inline]}
    lean_pages.drop_scripts(None, "page", "page.html", context, None)
    assert context["script_files"] == [kept]
    unused = '<script defer src="fontawesome.js?digest=1"></script>'
    unused += '<script src="../searchindex.js"></script>'
    used = '<script src="doctools.js"></script><link href="a">'
    assert context["without_unused_scripts"](unused + used) == used


def test_the_address_of_the_published_book_is_taken(monkeypatch):
    class Config:
        html_baseurl = ""

    monkeypatch.delenv("AIARCH_BASE_URL", raising=False)
    link_previews.take_address(None, Config)
    assert Config.html_baseurl == ""
    monkeypatch.setenv("AIARCH_BASE_URL", "https://example.org/book")
    link_previews.take_address(None, Config)
    assert Config.html_baseurl == "https://example.org/book/"


def test_punctuation_stays_with_its_formula():
    text = ":math:`a`, and :math:`b` and (:math:`c`), :math:`d`"
    doctree = docutils.core.publish_doctree(text)
    punctuation.JoinPunctuation(doctree).run()
    joined = [n.astext() for n in doctree.findall(docutils.nodes.inline)]
    assert joined == ["a,", "c),"]
    assert doctree.astext() == "a, and b and (c), d"


NOTEBOOK = {
    "cells": [
        {
            "cell_type": "markdown",
            "source": ["It is {glue:}`much`,\n", "or {eq}`eq-a`: {cost}`a/b`."],
        },
        {
            "cell_type": "code",
            "source": "from planted_page_exercises import check_one\n"
            "open('../../benchmarks/results/machine/planted.json')",
            "outputs": [
                {
                    "metadata": {"scrapbook": {"name": "much"}},
                    "data": {f"{downloads.GLUE_PREFIX}text/html": "<i>3 &lt; 4</i>"},
                }
            ],
        },
    ]
}


def test_a_downloaded_notebook_stands_alone(tmp_path, monkeypatch):
    page = {"seconds": 12.3, "peak_memory_mb": 1234}
    timings = {"machine": "2 cores", "pages": {"a/b": page}}
    monkeypatch.setattr(generate, "read_timings", lambda: timings)
    path = tmp_path / "book" / "part" / "planted-page.ipynb"
    stored = tmp_path / "benchmarks" / "results" / "machine" / "planted.json"
    for folder in (path.parent, stored.parent):
        folder.mkdir(parents=True)
    stored.write_text("{}\n")
    path.with_name("planted_page_exercises.py").write_text("def check_one(): ...\n")
    twice = {"cells": NOTEBOOK["cells"] + NOTEBOOK["cells"][1:]}
    text, *added, used, again = downloads.stand_alone(twice, path)["cells"]
    assert text["source"] == (
        "It is 3 < 4,\nor {eq}`eq-a`: 12 s and 1.2 GB on 2 cores, no GPU."
    )
    assert [cell["source"] for cell in added] == [
        "%%writefile planted_page_exercises.py\ndef check_one(): ...\n",
        "%%writefile planted.json\n{}\n",
    ]
    assert len({cell["id"] for cell in added}) == 2
    assert used["source"].endswith("open('planted.json')") and used == again
    assert NOTEBOOK["cells"][1]["source"].count("../../")


def test_the_wheel_holds_the_whole_package(root, tmp_path):
    downloads.build_wheel(root, tmp_path)
    (wheel,) = tmp_path.iterdir()
    assert wheel.name == downloads.wheel_name(root)
    packed = set(zipfile.ZipFile(wheel).namelist())
    source = root / "src"
    modules = {p.relative_to(source).as_posix() for p in source.rglob("*.py")}
    assert modules <= packed and "aiarch/py.typed" in packed
