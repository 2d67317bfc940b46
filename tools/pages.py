"""The book's pages as data: what tests, generated pages and Sphinx read of them."""

import functools
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
KINDS = ("theory", "lab", "reference")
PARTS_OF_A_PAGE = (
    "failure",
    "idea",
    "derivation",
    "scratch",
    "equality",
    "use",
    "limits",
    "summary",
    "exercises",
    "references",
)


@dataclass
class Figure:
    """A figure drawn by a code cell, as its cell's metadata declares it."""

    cell: int
    name: str | None
    caption: str | None
    alt: str | None


@dataclass
class Page:
    """One source file of the book: a notebook or a Markdown page."""

    path: Path
    kind: str | None = None
    cells: list[dict] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Path inside `book/` without its ending, such as `optimizers/adam`."""
        return self.path.relative_to(BOOK).with_suffix("").as_posix()

    @property
    def name(self) -> str:
        """Last part of the address: the prefix of the page's labels."""
        return self.path.stem

    @property
    def is_notebook(self) -> bool:
        """Whether the page has code that runs."""
        return self.path.suffix == ".ipynb"

    @property
    def title(self) -> str:
        """First heading of the page."""
        found = re.search(r"^# (.+)$", self.markdown, re.MULTILINE)
        return found.group(1).strip() if found else ""

    @functools.cached_property
    def markdown(self) -> str:
        """Text of all Markdown cells, in order."""
        texts = [source(c) for c in self.cells if c["cell_type"] == "markdown"]
        return "\n\n".join(texts)

    @property
    def code_cells(self) -> list[tuple[int, dict]]:
        """Number and content of each code cell that has any code."""
        return [
            (number, cell)
            for number, cell in enumerate(self.cells)
            if cell["cell_type"] == "code" and source(cell).strip()
        ]

    @property
    def prose(self) -> str:
        """Markdown without code, mathematics, directive fences, roles and marks."""
        text = self.markdown
        text = re.sub(
            r"^ *(`{3,})(?!\{)[^\n]*\n.*?^ *\1$", " ", text, flags=re.M | re.S
        )
        text = re.sub(r"\$\$.*?\$\$( *\([\w-]+\))?", " ", text, flags=re.DOTALL)
        text = re.sub(r"\$[^$\n]+\$", " ", text)
        text = re.sub(r"\{[\w:]+\}`[^`]*`", " ", text)
        text = re.sub(r"`[^`\n]*`", " ", text)
        text = re.sub(r"^ *:[\w-]+:.*$", " ", text, flags=re.MULTILINE)
        text = re.sub(r"^ *[:`]{3,}.*$|^#+ ", " ", text, flags=re.MULTILINE)
        return re.sub(r"\]\([^)]*\)|^\([\w-]+\)=$", " ", text, flags=re.MULTILINE)

    def typed_decimals(self) -> list[tuple[str, str]]:
        """Decimals in prose that no claim, citation or quotation accounts for.

        Each comes with the words around it, for an editor to judge.
        """
        text = re.sub(r"^ *>.*$|[“\"][^”\"\n]*[”\"]", " ", self.prose, flags=re.M)
        text = re.sub(r"\s+", " ", text)
        return [
            (found[0], text[max(0, found.start() - 30) : found.end() + 20])
            for found in re.finditer(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)", text)
        ]

    @property
    def labels(self) -> list[str]:
        """Targets set in the text, without those of equations."""
        return re.findall(r"^\(([\w:-]+)\)=\s*$", self.markdown, re.MULTILINE)

    @property
    def equations(self) -> list[str]:
        """Labels of the numbered equations; the first has number 1."""
        blocks = re.findall(r"\$\$.*?\$\$(?: *\(([\w-]+)\))?", self.markdown, re.DOTALL)
        return [label for label in blocks if label]

    @property
    def figures(self) -> list[Figure]:
        """Figures of code cells: a picture among the outputs, or declared as one."""
        found = []
        for number, cell in self.code_cells:
            declared = cell["metadata"].get("mystnb", {})
            drawn = any(
                mime.startswith("image/")
                for output in cell["outputs"]
                for mime in output.get("data", {})
            )
            if drawn or "figure" in declared:
                figure = declared.get("figure", {})
                alt = declared.get("image", {}).get("alt")
                caption, name = figure.get("caption"), figure.get("name")
                found.append(Figure(number, name, caption, alt))
        return found

    @property
    def claims(self) -> list[dict]:
        """Claims that held at the last run: text, bound, measured, name, cell."""
        return [
            {**record["claim"], "cell": number}
            for number, record in self.records
            if "claim" in record
        ]

    @property
    def records(self) -> list[tuple[int, dict]]:
        """What the package left in the metadata of outputs, with the cell's number."""
        return [
            (number, output["metadata"]["aiarch"])
            for number, cell in self.code_cells
            for output in cell["outputs"]
            if "aiarch" in output.get("metadata", {})
        ]

    @property
    def code_hash(self) -> str:
        """Fingerprint of the page's code, to tell a stale measurement."""
        code = "\n".join(source(cell) for _, cell in self.code_cells)
        return hashlib.sha256(code.encode()).hexdigest()[:16]

    @property
    def exercises_path(self) -> Path:
        """File with the checks of the page's exercises; it may not exist."""
        return self.path.with_name(f"{self.name.replace('-', '_')}_exercises.py")

    @property
    def exercises(self) -> list[str]:
        """Labels of the page's exercises, in order."""
        pattern = r"^:{3,}\{exercise\}[^\n]*\n:label: *(\S+)$"
        return re.findall(pattern, self.markdown, re.MULTILINE)

    @property
    def solutions(self) -> dict[str, str]:
        """Python code inside the solution of each exercise, by exercise label."""
        pattern = (
            r"^(?P<fence>:{3,})\{solution\} *(?P<label>\S+)$(?P<body>.*?)^(?P=fence)$"
        )
        found = {}
        for match in re.finditer(pattern, self.markdown, re.M | re.S):
            code = re.findall(r"^```python\n(.*?)^```", match["body"], re.M | re.S)
            found[match["label"]] = "\n".join(code)
        return found


def source(cell: dict) -> str:
    """Text of a cell, whether the file keeps it as one string or as lines."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def load_page(path: Path) -> Page:
    """Read one notebook or Markdown page."""
    if path.suffix == ".ipynb":
        notebook = json.loads(path.read_text(encoding="utf-8"))
        kind = notebook["metadata"].get("aiarch", {}).get("kind")
        return Page(path, kind, notebook["cells"])
    text = path.read_text(encoding="utf-8")
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    head = yaml.safe_load(front[1]) if front else {}
    body = text[front.end() :] if front else text
    cells = [{"cell_type": "markdown", "source": body, "metadata": {}}]
    return Page(path, head.get("kind"), cells)


def table_of_contents() -> list[Path]:
    """Paths of all pages, in reading order, as `_toc.yml` lists them."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"]]
    for part in toc.get("parts", []):
        files += [chapter["file"] for chapter in part["chapters"]]
    found = []
    for name in files:
        paths = [ROOT / f"{name}{ending}" for ending in (".ipynb", ".md")]
        present = [path for path in paths if path.exists()]
        if len(present) != 1:
            raise FileNotFoundError(
                f"_toc.yml lists {name}, for which there are {len(present)} files; "
                "there must be one, .ipynb or .md."
            )
        found += present
    return found


def load_book() -> list[Page]:
    """All pages of the book in reading order."""
    return [load_page(path) for path in table_of_contents()]


def notebooks() -> list[Page]:
    """The pages that have code."""
    return [page for page in load_book() if page.is_notebook]
