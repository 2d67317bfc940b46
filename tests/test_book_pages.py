"""The contract of a page: what every page of the book must hold, and what none may."""

import ast
import re

import pages
import pytest

BOOK = pages.load_book()
NOTEBOOKS = [page for page in BOOK if page.is_notebook]
CHAPTERS = [page for page in BOOK if page.kind in ("theory", "lab")]
MAX_WORDS = 3500
MAX_LINES_A_CELL = 25
MIN_EXERCISES = 4
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SPOILED = re.compile(r"\b\w*Warning\b|Traceback|^[WEI]\d{4} |it/s\]", re.MULTILINE)


def each(found):
    """Run a test once for each page, named by its address."""
    return pytest.mark.parametrize("page", found, ids=lambda page: page.address)


@each(BOOK)
def test_page_declares_its_kind(page):
    assert page.kind in pages.KINDS, (
        f"{page.address}: its metadata must say aiarch.kind (notebooks) or kind "
        f"(Markdown), one of {pages.KINDS}"
    )


@each(BOOK)
def test_page_has_one_title(page):
    text = re.sub(r"^( *`{3,}).*?^\1", "", page.markdown, flags=re.M | re.S)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


@each(CHAPTERS)
def test_head_asks_a_question_and_states_goals_needs_and_cost(page):
    head = pages.source(page.cells[0])
    assert re.search(r"^\*\*[^*]+\?\*\*$", head, re.MULTILINE), "no bold question"
    assert ":class: page-head" in head
    for part in ("**You will be able to**", "**You need**", "**It costs**"):
        assert part in head, f"the head of {page.address} lacks {part}"
    assert "{cost}`" + page.address + "`" in head


@each(CHAPTERS)
def test_parts_of_the_template_are_present(page):
    wanted = {f"{page.name}-{part}" for part in pages.PARTS_OF_A_PAGE}
    missing = wanted - set(page.labels)
    assert not missing, f"{page.address} lacks the labels {sorted(missing)}"


@each(BOOK)
def test_page_is_no_longer_than_a_reader_bears(page):
    if page.kind != "reference":
        assert len(page.prose.split()) <= MAX_WORDS
    for number, cell in page.code_cells:
        lines = len(pages.source(cell).strip().splitlines())
        assert lines <= MAX_LINES_A_CELL, f"cell {number} has {lines} lines"


@each(NOTEBOOKS)
def test_figures_are_captioned_numbered_described_and_referred_to(page):
    for figure in page.figures:
        where = f"{page.address}, cell {figure.cell}"
        assert figure.name and figure.name.startswith("fig-"), f"{where}: no name"
        assert figure.caption, f"{where}: no caption"
        assert figure.alt, f"{where}: no alternative text"
        reference = "{numref}`" + figure.name + "`"
        assert reference in page.markdown, f"{where}: the text never says {reference}"


def test_labels_are_unique_in_the_book():
    labels = [
        label
        for page in BOOK
        for label in [*page.labels, *page.equations, *(f.name for f in page.figures)]
    ]
    assert sorted(labels) == sorted(set(labels))


@each(BOOK)
def test_equation_labels_are_recognisable(page):
    assert all(label.startswith("eq-") for label in page.equations)


@each(CHAPTERS)
def test_a_chapter_makes_a_claim(page):
    assert page.claims, f"{page.address} claims nothing that a check stands behind"


@each(NOTEBOOKS)
def test_claims_stand_alone_and_are_compared(page):
    held = {}
    for record in page.claims:
        held[record["cell"]] = held.get(record["cell"], 0) + 1
    for number, cell in page.code_cells:
        calls = re.findall(r"^claim\(", pages.source(cell), re.MULTILINE)
        assert held.get(number, 0) == len(calls), (
            f"{page.address}, cell {number}: {len(calls)} claims in the code, "
            f"{held.get(number, 0)} in the stored outputs"
        )
        if not calls:
            assert "claim(" not in re.sub(r"#.*", "", pages.source(cell)), (
                f"{page.address}, cell {number}: a claim inside another statement"
            )
            continue
        statements = ast.parse(pages.source(cell)).body
        assert len(statements) == len(calls) == 1, f"cell {number}: not alone"
        tags = cell["metadata"].get("tags", [])
        assert "nbval-ignore-output" not in tags, f"cell {number}: not compared"
        assert "hide-input" in tags, f"cell {number}: run `make notebooks`"


@each(NOTEBOOKS)
def test_names_of_claims_are_unique_on_the_page(page):
    names = [record["name"] for record in page.claims if record["name"]]
    assert sorted(names) == sorted(set(names))


@each(BOOK)
def test_numbers_glued_into_prose_come_from_claims(page):
    names = {record["name"] for record in page.claims}
    glued = set(re.findall(r"\{glue:\w*\}`([^`]+)`", page.markdown))
    assert glued <= names, f"{page.address} glues {sorted(glued - names)}"


@each(BOOK)
def test_a_percent_sign_follows_its_number_as_claims_write_it(page):
    texts = [page.markdown, *(record["text"] for record in page.claims)]
    texts += [figure.caption for figure in page.figures]
    assert not [found for text in texts for found in re.findall(r".*\d %.*", text)]


@each(NOTEBOOKS)
def test_every_cell_was_run_in_order(page):
    counts = [cell["execution_count"] for _, cell in page.code_cells]
    assert counts == list(range(1, len(counts) + 1)), (
        f"{page.address}: execution counts {counts}; run `make notebooks`"
    )


@each(NOTEBOOKS)
def test_outputs_hold_no_error_warning_or_log_line(page):
    for number, cell in page.code_cells:
        for output in cell["outputs"]:
            where = f"{page.address}, cell {number}"
            assert output["output_type"] != "error", f"{where}: an exception"
            assert output.get("name") != "stderr", f"{where}: text on stderr"
            found = SPOILED.search("".join(output.get("text", "")))
            assert not found, f"{where}: {found[0]!r} in the output"


@each(NOTEBOOKS)
def test_settings_are_metadata_and_the_kernel_is_plain(page):
    notebook = pages.json.loads(page.path.read_text(encoding="utf-8"))
    assert notebook["metadata"]["kernelspec"] == KERNEL
    for number, cell in page.code_cells:
        assert "NBVAL_" not in pages.source(cell), f"cell {number}: use a tag"


@each(CHAPTERS)
def test_exercises_have_hints_and_solutions(page):
    assert len(page.exercises) >= MIN_EXERCISES
    for label in page.exercises:
        assert label.startswith(f"ex-{page.name}-")
        assert label in page.solutions, f"{label} has no solution"
    assert page.markdown.count("{dropdown} Hint") == len(page.exercises)
    solutions = re.findall(r"\{solution\}[^\n]*\n:class: dropdown", page.markdown)
    assert len(solutions) == len(page.exercises), "a solution is not folded"


@each(CHAPTERS)
def test_references_are_listed(page):
    assert "{footcite:" in page.markdown
    assert "```{footbibliography}" in page.markdown


def test_every_file_of_the_book_is_in_the_table_of_contents():
    listed = {page.path for page in BOOK}
    present = {
        path
        for ending in ("*.ipynb", "*.md")
        for path in pages.BOOK.rglob(ending)
        if not any(part.startswith((".", "_")) for part in path.parts[-4:-1])
    }
    assert present == listed
