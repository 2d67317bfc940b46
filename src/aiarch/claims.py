"""Statements of the book that are checked whenever a page is run.

A claim binds a sentence to a measured value and a bound. It fails loudly when the
bound does not hold, and otherwise shows one line that reads the same on every
machine, apart from the measured value, which comparison of outputs ignores.
"""

import html
import math
import operator
import re
from numbers import Real
from typing import Any

import numpy as np

GLUE_PREFIX = "application/papermill.record/"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BOUNDS = {
    "at_least": ("at least", operator.ge),
    "at_most": ("at most", operator.le),
    "equal_to": ("equal to", operator.eq),
}


class ClaimError(AssertionError):
    """A statement of the book does not hold for the value measured."""


class _Claimed:
    """What a claim that holds shows: text, bound and measured value."""

    def __init__(self, text: str, bound: str, shown: str, name: str | None):
        self.text, self.bound, self.shown, self.name = text, bound, shown, name

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple:
        anchor = f' id="claim-{self.name}"' if self.name else ""
        data = {
            "text/plain": f"✓ {self.text} [{self.bound}] measured: {self.shown}",
            "text/html": (
                f'<div class="claim"{anchor}><span class="claim-mark" '
                'role="img" aria-label="checked">✓</span> '
                f'<span class="claim-text">{html.escape(self.text)}</span> '
                f'<span class="claim-bound">({html.escape(self.bound)}; measured '
                f"{_measured(self.shown)})</span></div>"
            ),
        }
        record = {
            "text": self.text,
            "bound": self.bound,
            "measured": self.shown,
            "name": self.name,
        }
        return data, {"aiarch": {"claim": record}}


def claim(
    text: str,
    value: Any,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    equal_to: Any = None,
    within: float | None = None,
    name: str | None = None,
    shown: str | None = None,
) -> None:
    """Check a statement against a measured value, and show it if it holds.

    Several bounds may be given; all must hold. In a notebook the line is a box;
    elsewhere it is printed. With `name`, the measured value is also recorded for
    prose, which takes it by the role `{glue:}`.

    Args:
        text: the statement, in words that are true exactly when the bound holds.
        value: the measured value: a number, a boolean, or anything comparable
            with `equal_to`.
        at_least: smallest value for which the statement is true.
        at_most: largest value for which the statement is true.
        equal_to: the value for which the statement is true.
        within: largest absolute difference from `equal_to`, a positive number.
        name: lower-case words joined by hyphens, unique on the page.
        shown: format of the displayed value, such as `"{:.1%}"`. By default
            three significant digits.

    Raises:
        ClaimError: if the value is outside the bound, or not a number (NaN).
        ValueError: if no bound is given, or an argument is malformed.
        TypeError: if a numeric bound is given for a value that is not a number.

    Example:
        >>> from aiarch.claims import claim
        >>> claim("two and two make four", 2 + 2, equal_to=4)
        ✓ two and two make four [equal to 4] measured: 4
        >>> claim("a third is small", 1 / 3, at_most=0.2)
        Traceback (most recent call last):
        ...
        aiarch.claims.ClaimError: a third is small: measured 0.333, expected at most 0.2
    """
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"text must be a sentence, got {text!r}.")
    if name is not None and not _NAME.fullmatch(str(name)):
        raise ValueError(
            f"name must be lower-case words joined by hyphens, such as 'step-limit'; "
            f"got {name!r}."
        )
    value = _plain(value)
    bounds = {"at_least": at_least, "at_most": at_most, "equal_to": equal_to}
    bounds = {key: _plain(bound) for key, bound in bounds.items() if bound is not None}
    if not bounds:
        raise ValueError(
            "claim needs a bound: give at_least, at_most or equal_to; without one "
            "the statement could not fail."
        )
    if within is not None and ("equal_to" not in bounds or not within > 0):
        raise ValueError(
            f"within is a positive tolerance around equal_to, got within={within!r} "
            f"with equal_to={equal_to!r}."
        )
    bound_words, holds = [], True
    for key, bound in bounds.items():
        words, compare = _BOUNDS[key]
        if (key != "equal_to" or within is not None) and not _is_number(value):
            raise TypeError(
                f"value must be a number to be compared with {key}={bound!r}, got "
                f"{type(value).__name__}; reduce an array to one number first."
            )
        if key == "equal_to" and within is not None:
            bound_words.append(f"{words} {_number(bound)} within {_number(within)}")
            holds &= abs(value - bound) <= within
        else:
            bound_words.append(f"{words} {_number(bound)}")
            holds &= bool(compare(value, bound))
    bound_text = " and ".join(bound_words)
    display_value = _typeset(shown.format(value)) if shown else _number(value, digits=3)
    if not holds:
        raise ClaimError(f"{text}: measured {display_value}, expected {bound_text}")
    _show(_Claimed(text, bound_text, display_value, name))


def _plain(value: Any) -> Any:
    """Unwrap a NumPy or backend scalar; refuse an array of several elements."""
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return value
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if array.size != 1:
        raise TypeError(
            f"value must be one number, got an array of shape {array.shape}; reduce "
            "it first, for example by max(abs(difference))."
        )
    return array.item()


def _is_number(value: Any) -> bool:
    return isinstance(value, Real)


def _number(value: Any, digits: int = 6) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _typeset(f"{value:,}" if abs(value) >= 10_000 else str(value))
    if isinstance(value, float) and math.isfinite(value):
        return _typeset(f"{value:.{digits}g}")
    return str(value)


def _typeset(text: str) -> str:
    """Write `1e-09` as people do: 10⁻⁹, `2.5e+08` as 2.5 × 10⁸, and -1 as −1."""

    def rewrite(found: re.Match) -> str:
        factor = "" if found["factor"] == "1" else f"{found['factor']} × "
        return f"{factor}10{str(int(found['exponent'])).translate(_SUPERSCRIPTS)}"

    text = re.sub(r"(?P<factor>\d+(\.\d+)?)e(?P<exponent>[+-]\d+)", rewrite, text)
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def _measured(shown: str) -> str:
    return f'<span class="measured">{html.escape(shown)}</span>'


def _show(claimed: _Claimed) -> None:
    data, metadata = claimed._repr_mimebundle_()
    try:
        from IPython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None:
        print(data["text/plain"])
        return
    shell.display_pub.publish(data=data, metadata=metadata)
    if claimed.name:
        shell.display_pub.publish(
            data={f"{GLUE_PREFIX}text/html": _measured(claimed.shown)},
            metadata={"scrapbook": {"name": claimed.name, "mime_prefix": GLUE_PREFIX}},
        )
