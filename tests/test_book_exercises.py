"""The solutions printed in the book pass the checks that the reader runs."""

import inspect
import re

import pages
import planted
import pytest

CHAPTERS = [page for page in pages.load_book() if page.exercises_path.exists()]


def checks(page):
    """The functions `check_<word>` of a chapter, by word."""
    functions = inspect.getmembers(
        planted.load_checks(page.address), inspect.isfunction
    )
    return {
        name.removeprefix("check_"): function
        for name, function in functions
        if name.startswith("check_")
    }


CASES = [(page, word) for page in CHAPTERS for word in checks(page)]


@pytest.mark.parametrize(
    ("page", "word"), CASES, ids=[f"{page.address}:{word}" for page, word in CASES]
)
def test_the_printed_solution_passes_its_check(page, word, capsys):
    label = f"ex-{page.name}-{word.replace('_', '-')}"
    assert label in page.solutions, f"no solution of {label}"
    variables = {}
    exec(page.solutions[label], variables)
    check = checks(page)[word]
    check(variables[f"answer_{word}"])
    assert "Correct" in capsys.readouterr().out
    check(...)
    assert "Not answered yet" in capsys.readouterr().out


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.address)
def test_the_page_offers_every_check(page):
    code = "\n".join(pages.source(cell) for _, cell in page.code_cells)
    for word in checks(page):
        assert re.search(rf"^check_{word}\(answer_{word}\)", code, re.MULTILINE)
        assert re.search(rf"^answer_{word} = \.\.\.", code, re.MULTILINE)


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.address)
def test_every_check_is_shown_a_wrong_answer(page):
    name = page.exercises_path.stem
    test = pages.ROOT / "tests" / page.path.parent.name / f"test_{name}.py"
    text = test.read_text(encoding="utf-8")
    assert "pytest.raises(AssertionError" in text
    for word in checks(page):
        assert f"check_{word}" in text, f"{test.name} never tries check_{word}"
