"""The book's own Sphinx extensions."""

import cost
import generate
import no_live_code
import offline_mathematics


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
    no_live_code.drop_thebe(None, "page", "page.html", context, None)
    assert context["script_files"] == [kept]
    without = {}
    no_live_code.drop_thebe(None, "page", "page.html", without, None)
    assert without == {"script_files": []}
