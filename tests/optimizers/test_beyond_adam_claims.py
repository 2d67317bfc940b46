"""Wrong methods planted in the chapter on what came after Adam, which must not pass."""

import ast
import runpy

import keras
import numpy as np
import pages
import planted
import pytest

PAGE = "book/optimizers/beyond-adam.ipynb"


BUILT = """
def built(optimizer):
    optimizer.build(single.trainable_variables)
    return optimizer


single.build((None, 4))
tiny = """

PLANTED = [
    # All facts almost equally frequent; signs in place of flat singular values.
    ("adam-rare-facts", {"** -1.5": "** -0.1"}),
    ("flattened-rare-facts", {"(sgd, flatten)": "(sgd, np.sign)"}),
    ("band-low", {"2.0315": "1.9"}),
    ("band-high", {"3.4445": "3.6"}),
    ("fixed-point-repels", {"muon = 3.4445, -4.7750, 2.0315": "muon = 1.9, -1.3, 0.4"}),
    (
        "caught-from",
        {"for _ in range(5):\n        s = phi": "for _ in range(4):\n        s = phi"},
    ),
    ("classic-is-slow", {"five_times(0.01, (1.5, -0.5, 0))": "five_times(0.01, muon)"}),
    # Uphill in both; no climb; drift without the cycle's height.
    ("descent-stays-sharp", {"climb_and_step(0.0)": "climb_and_step(0.2)"}),
    ("sam-goes-flat", {"climb_and_step(0.2)": "climb_and_step(0.05)"}),
    ("drift-as-predicted", {"/ (2 - 0.2 * h) ** 2": "/ 4"}),
    ("cycle-as-predicted", {"0.2 / (2 - 0.2 * h)": "0.2 / (2 - 0.1 * h)"}),
    # An exponential average; weights that the plain mean does not have.
    ("mean-is-annealing", {"share / total * (z - x)": "0.1 * (z - x)"}),
    ("mean-is-annealing", {"1 - np.arange(300) / 300": "1 - np.arange(300) / 299"}),
    ("free-like-cosine", {"beta_1, True, False)": "1.0, True, False)"}),
    # Without the product, as the paper has it.
    ("adafactor-kept", {"[v.shape for v in": "[v.shape[:1] for v in"}),
    ("free-needs-its-rate", {"min(free_at[0.2], free_at[0.5])": "free_at[0.3]"}),
    ("free-beats-constant", {"rate * np.ones(300)": "rate * wave"}),
    ("plain-average", {"noisy_valley(r, 0.0)": "noisy_valley(r, 0.9)"}),
    ("lion-equals-keras", {"lion(**options)": "lion(0.125, 0.875, 0.98)"}),
    # Muon without the look ahead, with another factor, with fewer iterations.
    ("muon-equals-keras", {"gradient + momentum * velocity)": "velocity)"}),
    ("muon-equals-keras", {"max(W.shape)": "min(W.shape)"}),
    ("muon-equals-keras", {"num_steps=5, coefficients": "num_steps=4, coefficients"}),
    ("muon-update-size", {"** 2)) / 0.01": "** 2)) / 0.02"}),
    # One gradient at the weights; a climb of another length.
    ("sam-by-hand", {"A + 0.5 * g / norm, B + 0.5 * h / norm": "A, B"}),
    ("sam-by-hand", {"0.5 * g / norm": "0.4 * g / norm"}),
    # A norm for each layer.
    ("sam-by-hand", {"0.5 * h / norm": "0.5 * h / np.linalg.norm(h)"}),
    ("keras-free-starts-at-0", {"Free(0.0)": "built(Free(0.0))", "tiny = ": BUILT}),
    ("keras-free-differs", {"for beta_1 in (0.9, 1.0)": "for beta_1 in (1.0, 1.0)"}),
    ("keras-free-ignores-beta", {"path - at_1": "path - intended"}),
    # The plain mean in place of the weighted one; z moved before x is recovered.
    ("mended-equals-rule", {"30)[1]": "30, plain=True)[1]"}),
    (
        "mended-equals-rule",
        {
            "x = (variable - (1 - self.beta_1) * z) / self.beta_1": "pass",
            "x = x + share * (z": "x = (variable - 0.1 * z) / 0.9; x = x + share * (z",
        },
    ),
    ("flattening-noise", {"(0.3, 0.15)": "(0.003, 0.15)"}),
    ("flattening-half-noise", {"(0.3, 0.15)": "(0.3, 0.3)"}),
    ("adam-noise", {'loud["Adam"]': 'half["Adam"]'}),
    # The signs of the stored gains; Adam's own errors in place of Schedule-Free's.
    ("free-gain-lenet", {"gains.mean(), gains": "-gains.mean(), gains"}),
    ("free-low-lenet", {"gains.mean() - half": "gains.mean() - 2 * half"}),
    # The gain of Adam on the method; another method in a method's place.
    ("muon-gain-transformer", {'("adam", method)': '(method, "adam")'}),
    ("muon-low-transformer", {'("adam", method)': '(method, "adam")'}),
    ("sam-gain-lenet", {'("adam", method)': '(method, "adam")'}),
    ("averaged-gain-transformer", {'("adam", method)': '(method, "adam")'}),
    ("averaged-gain-lenet", {'"lenet5", "adam_averaged"': '"lenet5", "schedule_free"'}),
    ("without-m-share", {"adam_without_m_averaged": "schedule_free"}),
    ("rates-inside", {"[0] < rate": "[4] < rate"}),
    ("muon-decays", {'("Muon", "Adam", "Lion")': '("Muon", "AdamW", "Lion")'}),
]


@planted.each(PLANTED)
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)


@pytest.mark.backend
def test_keras_schedule_free_heeds_beta_1_on_jax_alone():
    """What the page says of the backends; when it fails, Keras has mended it."""

    def end(beta_1):
        theta = keras.Variable(np.ones(3), dtype="float32")
        optimizer = keras.optimizers.ScheduleFreeAdamW(0.1, beta_1=beta_1)
        for gradient in np.random.default_rng(0).normal(size=(10, 3)):
            tensor = keras.ops.convert_to_tensor(gradient, "float32")
            optimizer.apply([tensor], [theta])
        return keras.ops.convert_to_numpy(theta)

    gap = np.abs(end(0.9) - end(0.5)).max()
    assert gap > 0.05 if keras.backend.backend() == "jax" else gap < 1e-5


def test_the_benchmark_races_the_class_of_the_page():
    def code(text):
        found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef)]
        return {ast.unparse(n) for n in found if n.name == "ScheduleFree"}

    cells = [pages.source(c) for _, c in pages.load_page(pages.ROOT / PAGE).code_cells]
    on_page = set().union(*(code(text) for text in cells))
    benchmark = pages.ROOT / "benchmarks" / "beyond_adam.py"
    assert on_page == code(benchmark.read_text()) and len(on_page) == 1


def test_the_mended_class_heeds_beta_1_and_refuses_what_it_leaves_out():
    benchmark = runpy.run_path(str(pages.ROOT / "benchmarks" / "beyond_adam.py"))
    ends = []
    for beta_1 in (0.9, 0.5):
        theta = keras.Variable(np.ones(3), dtype="float32")
        optimizer = benchmark["ScheduleFree"](0.1, beta_1=beta_1)
        for gradient in np.random.default_rng(0).normal(size=(10, 3)):
            tensor = keras.ops.convert_to_tensor(gradient, "float32")
            optimizer.apply([tensor], [theta])
        ends.append(keras.ops.convert_to_numpy(theta))
    assert np.abs(ends[0] - ends[1]).max() > 0.02  # 0 if ignored
    for option in ({"warmup_steps": 5}, {"weight_decay": 0.1}):
        with pytest.raises(ValueError, match="off"):
            benchmark["ScheduleFree"](0.1, **option).build([theta])
