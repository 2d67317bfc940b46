"""Wrong methods planted in the chapter on initialization, which must not pass."""

import planted
import pytest

PAGE = "book/structure/initialization.ipynb"
BACK = "(initialization-scratch)="
NAMES = "(initialization-equality)="
RACE = "Does all this decide anything"

PLANTED = [
    ("tiny-vanishes", {"1e-4": "1e-3"}, None),
    ("unit-explodes", {'"1": 1.0': '"1": 0.9'}, None),
    ("glorot-shrinks", {'"Glorot": 1 / 512': '"Glorot": 1.3 / 512'}, None),
    (
        "tanh-decays-slowly",
        {"draw(1 / 512), signal(), np": "draw(0.9 / 512), signal(), np"},
        None,
    ),
    # Linear layers: a relative variance of 2/n in place of 5/n; another gain.
    ("fluctuation", {"rms(relu(h @ W)) ** 2": "rms(h @ W) ** 2 / 2"}, None),
    ("fluctuation", {"np.sqrt(2 / 128) *": "np.sqrt(1.8 / 128) *"}, None),
    # Gradients that pass where ReLU is off; another scale than Glorot's.
    (
        "kernel-gradients-level",
        {"slope=lambda h: h > 0": "slope=lambda h: 1.0"},
        BACK,
    ),
    ("gradient-kept", {"slope=lambda h: h > 0": "slope=lambda h: 1.0"}, BACK),
    ("random-signs", {"seed=7), np.ones((256, 512))": "seed=7) + 1, 0"}, BACK),
    ("equal-signs", {"np.ones((256, 512))": "signal(num_samples=256)"}, BACK),
    (
        "kernel-gradients-shrink",
        {"both_ways(1 / 256)": "both_ways(1.01 / 256)"},
        BACK,
    ),
    ("isometry", {"np.linalg.qr(W)": "W / np.sqrt(width), np.eye(width)"}, BACK),
    (
        "directions-lost",
        {
            "spectrum(draw(1 / 128, 30, 128))": "spectrum(orthogonal(30, 128))",
        },
        BACK,
    ),
    (
        "keras-variances",
        {"init.GlorotUniform: 2 / (fan_in + fan_out)": "init.GlorotUniform: 1e-3"},
        NAMES,
    ),
    (
        "keras-variances",
        {"init.HeUniform: 2 / fan_in": "init.HeUniform: 2 / fan_out"},
        NAMES,
    ),
    ("truncation", {"init.HeNormal(seed=0)": "init.HeUniform(seed=0)"}, NAMES),
    ("convolution-fan-in", {"* 9 * 64": "* 9 * 256"}, NAMES),
    (
        "keras-default",
        {"Dense(fan_out)": 'Dense(fan_out, kernel_initializer="he_normal")'},
        NAMES,
    ),
    (
        "sgd-glorot-stalls",
        {'accuracies("sgd", "glorot")': 'accuracies("adam", "glorot")'},
        RACE,
    ),
    ("sgd-glorot-no-rate", {"sgd_glorot_validation": "sgd_he_validation"}, RACE),
    ("orthogonal-lead", {'"orthogonal", "he")': '"he", "orthogonal")'}, RACE),
    ("sgd-he-trains", {'accuracies("sgd", "he")': 'accuracies("sgd", "glorot")'}, RACE),
    (
        "adam-glorot-trains",
        {'accuracies("adam", "glorot")': 'accuracies("adam", "small")'},
        RACE,
    ),
    (
        "adam-he-gain-low",
        {
            'gain("adam", "he", "glorot")[0]': 'gain("adam", "glorot", "he")[0]',
        },
        RACE,
    ),
    (
        "adam-small-stalls",
        {'accuracies("adam", "small")': 'accuracies("adam", "glorot")'},
        RACE,
    ),
    (
        "equal-units-stay-equal",
        {"init.Constant(0.01)": "init.GlorotUniform(seed=1)"},
        NAMES,
    ),
    ("zeros-never-move", {"init.Zeros()": "init.Constant(0.001)"}, NAMES),
]


@planted.each(PLANTED, ("name", "replacing", "after"))
def test_planted_fault_is_refused(name, replacing, after):
    planted.check_refused(PAGE, name, replacing, after=after)


# Through the weights the wrong way; the slope of the layer before.
@pytest.mark.parametrize(
    "replacing", [{"through @ W.T": "through @ W"}, {"slope(out)": "slope(h)"}]
)
def test_the_package_differs_from_a_wrong_way_back(replacing):
    planted.check_refused(
        PAGE, "package-equals-hand", replacing, after=BACK, skip_tags=()
    )
