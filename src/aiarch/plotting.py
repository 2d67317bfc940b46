"""House style of the book's figures, and the display of source code.

Figures are drawn dark on white; on the page the dark theme inverts them. Sizes are
chosen for a phone: a figure 6 inches wide is still legible at 390 pixels.
"""

import ast
import inspect
import textwrap
from types import MappingProxyType
from typing import Any

# Okabe and Ito's palette, distinguishable with every common colour blindness.
COLORS = MappingProxyType(
    {
        "blue": "#0072B2",
        "orange": "#D55E00",
        "green": "#009E73",
        "pink": "#CC79A7",
        "yellow": "#E69F00",
        "sky": "#56B4E9",
        "black": "#222222",
        "grey": "#767676",
    }
)


def use_style() -> None:
    """Set matplotlib's defaults to the house style for the rest of the session.

    Example:
        >>> from aiarch import plotting
        >>> plotting.use_style()
        >>> import matplotlib.pyplot as plt
        >>> plt.rcParams["figure.figsize"]
        [6.0, 3.6]
    """
    import matplotlib as mpl

    lines = ["blue", "orange", "green", "pink", "yellow", "sky", "black"]
    mpl.rcParams.update(
        {
            "figure.figsize": (6.0, 3.6),
            "figure.dpi": 144,
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.labelsize": 12,
            "legend.fontsize": 11,
            "legend.frameon": False,
            "xtick.labelsize": 11,
            "ytick.labelsize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#dddddd",
            "grid.linewidth": 0.6,
            "lines.linewidth": 1.8,
            "axes.prop_cycle": mpl.cycler(color=[COLORS[name] for name in lines]),
            "image.cmap": "cividis",
        }
    )


class Source:
    """Python source that a notebook shows highlighted."""

    def __init__(self, code: str):
        self.code = code

    def __repr__(self) -> str:
        return self.code

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict:
        markdown = f"```python\n{self.code}\n```"
        return {"text/plain": self.code, "text/markdown": markdown}


def show_source(thing: Any) -> Source:
    """Show the source of a function, method or class, without its docstrings.

    Args:
        thing: a Python function, method, class or module that has source.

    Returns:
        An object that a notebook displays as highlighted code.

    Raises:
        TypeError: if `thing` has no Python source, as built-in functions have none.

    Example:
        >>> from aiarch import plotting
        >>> plotting.show_source(plotting.show_source)  # doctest: +ELLIPSIS
        def show_source(thing: Any) -> Source:
        ...
    """
    try:
        source = textwrap.dedent(inspect.getsource(thing))
    except (TypeError, OSError) as error:
        raise TypeError(
            f"thing must be a function, class or module written in Python, got "
            f"{thing!r}."
        ) from error
    lines = source.splitlines()
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            text = node.body[0]
            for number in range(text.lineno - 1, text.end_lineno):
                lines[number] = None
            after = text.end_lineno
            if after < len(lines) and lines[after] == "":
                lines[after] = None
    kept = "\n".join(line for line in lines if line is not None)
    return Source(kept.strip("\n"))
