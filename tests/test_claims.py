"""A claim fails when its bound fails, and shows the same line on every machine."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.testing.globalipapp import start_ipython

from aiarch.claims import ClaimError, claim

NUMBERS = st.floats(-1e6, 1e6)


@given(value=NUMBERS, bound=NUMBERS)
def test_at_least_and_at_most_agree_with_the_comparison(value, bound):
    for holds, keyword in ((value >= bound, "at_least"), (value <= bound, "at_most")):
        if holds:
            claim("holds", value, **{keyword: bound})
        else:
            with pytest.raises(ClaimError, match="fails: measured .* expected"):
                claim("fails", value, **{keyword: bound})


@given(bound=NUMBERS, offset=st.floats(0, 1e3), within=st.floats(1e-3, 1e3))
def test_equal_within_a_tolerance(bound, offset, within):
    value = bound + offset
    if abs(value - bound) <= within:
        claim("close", value, equal_to=bound, within=within)
    else:
        with pytest.raises(ClaimError):
            claim("close", value, equal_to=bound, within=within)


def test_all_of_several_bounds_must_hold():
    claim("between", 2, at_least=1, at_most=3)
    with pytest.raises(ClaimError, match="at least 1 and at most 3"):
        claim("between", 4, at_least=1, at_most=3)


@pytest.mark.parametrize("bound", ["at_least", "at_most", "equal_to"])
def test_not_a_number_never_holds(bound):
    with pytest.raises(ClaimError):
        claim("a number", float("nan"), **{bound: 0.0})


def test_scalars_of_numpy_and_words_are_accepted(capsys):
    claim("one", np.float32(1), equal_to=1.0)
    claim("one", np.array([1]), equal_to=1)
    claim("true", np.bool_(True), equal_to=True)
    claim("raised", "NameError", equal_to="NameError")
    assert "measured: yes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (("no bound", 1), {}, ValueError, "needs a bound"),
        ((" ", 1), {"at_least": 0}, ValueError, "text must be a sentence"),
        (("t", 1), {"at_least": 0, "name": "Bad Name"}, ValueError, "lower-case"),
        (("t", 1), {"at_least": 0, "within": 1}, ValueError, "within is a positive"),
        (("t", 1), {"equal_to": 0, "within": -1}, ValueError, "within is a positive"),
        (("t", "one"), {"at_least": 0}, TypeError, "must be a number"),
        (("t", np.ones(3)), {"at_least": 0}, TypeError, r"shape \(3,\)"),
    ],
)
def test_bad_input_is_refused(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        claim(*arguments, **keywords)


@pytest.mark.parametrize(
    ("value", "keywords", "line"),
    [
        (1.9e8, {"at_least": 1e8}, "[at least 10⁸] measured: 1.9 × 10⁸"),
        (7e-10, {"at_most": 2.5e-9}, "[at most 2.5 × 10⁻⁹] measured: 7 × 10⁻¹⁰"),
        (12345, {"at_least": 10_000}, "[at least 10,000] measured: 12,345"),
        (0.5, {"equal_to": 0.5, "shown": "{:.0e}"}, "measured: 5 × 10⁻¹"),
        (True, {"equal_to": True}, "[equal to yes] measured: yes"),
    ],
)
def test_numbers_are_written_as_people_write_them(value, keywords, line, capsys):
    claim("number", value, **keywords)
    assert line in capsys.readouterr().out


@pytest.fixture
def published(monkeypatch):
    """What a claim publishes inside IPython: a list of (data, metadata)."""
    shell = start_ipython() or get_ipython()  # noqa: F821
    messages = []
    monkeypatch.setattr(
        shell.display_pub,
        "publish",
        lambda data, metadata=None, **_: messages.append((data, metadata)),
    )
    return messages


def test_a_negative_number_has_a_minus_sign(capsys):
    claim("on the 1e-5 side", -1.5, at_least=-2, at_most=-1e-5, shown="{:+.1f}")
    assert capsys.readouterr().out == (
        "✓ on the 1e-5 side [at least −2 and at most −10⁻⁵] measured: −1.5\n"
    )


def test_in_a_notebook_a_named_claim_shows_a_box_and_a_glue_record(published):
    claim("a < b", 0.123456, at_most=1, name="a-below-b", shown="{:.1%}")
    (box, about), (record, scrap) = published
    assert '<span class="measured">12.3%</span>' in box["text/html"]
    assert "a &lt; b" in box["text/html"] and 'id="claim-a-below-b"' in box["text/html"]
    assert about["aiarch"]["claim"] == {
        "text": "a < b",
        "bound": "at most 1",
        "measured": "12.3%",
        "name": "a-below-b",
    }
    assert record == {
        "application/papermill.record/text/html": '<span class="measured">12.3%</span>'
    }
    assert scrap["scrapbook"]["name"] == "a-below-b"


def test_after_sanitizing_only_the_measured_value_is_gone(published, root):
    claim("small", 0.25, at_most=1)
    claim("small", 0.75, at_most=1)
    claim("small", 0.75, at_most=2)
    rules = re.findall(
        r"^regex: (.*)\nreplace: (.*)$",
        (root / "tools" / "sanitize.cfg").read_text(),
        re.MULTILINE,
    )

    def sanitized(data):
        texts = list(data.values())
        for pattern, replacement in rules:
            texts = [re.sub(pattern, replacement, text) for text in texts]
        return texts

    first, second, other_bound = [sanitized(data) for data, _ in published]
    assert first == second != other_bound
