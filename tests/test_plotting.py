"""The house style of figures and the display of source code."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from aiarch import plotting


def luminance(color):
    """Relative luminance of a colour as WCAG 2 defines it."""
    channels = [
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in mpl.colors.to_rgb(color)
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def test_style_is_set_and_does_not_leak_from_the_import():
    with mpl.rc_context():
        mpl.rcdefaults()
        before = dict(mpl.rcParams)
        plotting.use_style()
        assert mpl.rcParams["axes.spines.top"] is False
        assert before["axes.spines.top"] is True
        figure, axis = plt.subplots()
        (line,) = axis.plot([0, 1])
        assert line.get_color() == plotting.COLORS["blue"]
        plt.close(figure)


def test_colours_stand_out_from_white():
    for name, color in plotting.COLORS.items():
        contrast = 1.05 / (luminance(color) + 0.05)
        assert contrast >= 2, f"{name} has contrast {contrast:.2f} on white"


def test_source_is_shown_without_docstrings():
    shown = plotting.show_source(luminance)
    assert str(shown).startswith("def luminance(color):\n    channels = [")
    assert "WCAG" not in str(shown)
    bundle = shown._repr_mimebundle_()
    assert bundle["text/markdown"] == f"```python\n{shown}\n```"


def test_source_of_a_class_keeps_its_methods():
    shown = str(plotting.show_source(plotting.Source))
    assert "def __repr__" in shown and '"""' not in shown


def test_what_has_no_source_is_refused():
    with pytest.raises(TypeError, match="written in Python, got <built-in"):
        plotting.show_source(len)
