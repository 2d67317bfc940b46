"""Wrong methods planted in the chapter on schedules, which must not pass."""

import re

import numpy as np
import pages
import planted
import pytest

from aiarch.claims import claim
from aiarch.foundations import load_dataset

PAGE = "book/optimizers/schedules.ipynb"
SKIP = ("slow", "trainings")  # what takes long


PLANTED = [
    # A change that comes too late, a wave that hardly falls, the flat one's decay.
    ("change-beats-constant", {"[150, 150]": "[290, 10]"}),
    ("cosine-beats-constant", {"np.pi * t / num_steps": "t / num_steps"}),
    ("steep-decay-starves", {"1 / (t + 1)": "20 / (t + 20)"}),
    # By each array's norm in place of all arrays' norm; no clipping at all.
    (
        "global-norm-keeps-direction",
        {"by_norm(gradients, 1)": "[by_norm([g], 1)[0] for g in gradients]"},
    ),
    ("others-turn-it", {"np.clip(g, -1, 1)": "np.clip(g, -9, 9)"}),
    # Too few sweeps; another curvature.
    ("best-plan", {"sweeps=20": "sweeps=0"}),
    ("best-plan-follows-flat", {"best_rates * 0.05": "best_rates * 0.06"}),
    # A wave that is no wave, in place of the decay.
    ("no-noise-no-decay", {'wave = plans["cosine"]': 'wave = plans["constant"]'}),
    # Other noise than the recursion's; an average that forgets at once.
    ("recursion-holds", {"+ rng.normal(size=theta": "+ 1.2 * rng.normal(size=theta"}),
    ("recursion-holds", {"2 * share * (1 - share)": "share * (1 - share)"}),
    (
        "average-share",
        {
            "share=0.97": "share=0.3",
            "average_losses(0.4, 0.97)": "average_losses(0.4, 0.3)",
        },
    ),
    ("tuned-average", {"[0.95], [0.98], [0.99]": "[0.5]"}),
    # Other formulas than the libraries'.
    ("schedules-equal", {"steps // 40": "steps // 39"}),
    ("schedules-equal", {"0.04 + 0.96": "0.05 + 0.95"}),
    ("schedules-equal", {"[39, 79, 119]": "[40, 80, 119]"}),
    ("schedules-equal", {"[39, 79, 119]": "[41, 80, 119]"}),
    (
        "schedules-equal",
        {"OneCycle(1.0, 120)": "OneCycle(1.0, 120, final_div_factor=1.2e4)"},
    ),
    ("clippings-equal", {"limit / norm)": "limit / norm**2)"}),
    (
        "accumulation-equal",
        {"(8, gradient_accumulation_steps=4)": "(8, gradient_accumulation_steps=2)"},
    ),
    ("average-equal", {"average = followed[0]": "average = 0.9 + 0.1 * followed[0]"}),
    (
        "schedule-counts-small-batches",
        {"fitted(8, Counting()": "fitted(16, Counting()"},
    ),
    # Stopped at the end; a limit that is never met, and one that always is.
    ("stopped-early", {"[150]\n": "[300]\n"}),
    ("clipping-is-biased", {"resting_place(0.5)": "resting_place(5)"}),
    ("rare-clipping-is-not", {"resting_place(10)": "resting_place(2)"}),
]


@planted.each(PLANTED)
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing, skip_tags=SKIP)


@pytest.fixture(scope="module")
def page():
    """Variables of the page up to the networks, which are not trained."""
    return planted.run_page(PAGE, until="cosine-beats-constant", skip_tags=SKIP)


def test_greedy_rates_are_the_best_of_random_ones(page):
    rng = np.random.default_rng(0)

    def end(rates, square=4.0, h=0.7, variance=0.3):
        for rate in rates:
            square = (1 - rate * h) ** 2 * square + rate**2 * variance
        return square

    first = 0.3 / (0.7**2 * 4.0)  # t₀ of the page
    greedy = 1 / (0.7 * (np.arange(20) + 1 + first))
    assert end(greedy) == pytest.approx(1 / (1 / 4.0 + 20 * 0.7**2 / 0.3), rel=1e-12)
    for _ in range(200):
        assert end(greedy * rng.uniform(0.8, 1.2, size=20)) >= end(greedy)


def test_the_flat_direction_is_left_as_the_power_says():
    kappa, steps = 20.0, np.arange(1, 100_001)
    left = np.cumprod(1 - 1 / (kappa * steps))
    assert left[-1] / left[9_999] == pytest.approx(10 ** (-1 / kappa), rel=1e-4)


@pytest.fixture(scope="module")
def networks():
    """Functions of the page around the five networks, none trained."""
    names = {"np": np, "load_dataset": load_dataset, "claim": claim}
    for _, cell in pages.load_page(pages.ROOT / PAGE).code_cells:
        code = pages.source(cell)
        if re.search(
            r"def (layers_of|loss_and_gradient|first_weights|train|sharpness)\(", code
        ):
            exec(code, names)
        if "def best(case" in code:
            exec(code[code.index("def best(case") :], names)
    return names


def judge(name, networks, **measured):
    """Run the cell of one claim on what was measured here."""
    for _, cell in pages.load_page(pages.ROOT / PAGE).code_cells:
        if f'name="{name}"' in (code := pages.source(cell)):
            exec(code, {**networks, **measured})


def ends_of(networks, case, method, scale, rates):
    """Run cases of the page: ends and the function `best` that reads them."""
    ends = {}
    with np.errstate(over="ignore", invalid="ignore"):
        for rate in rates:
            for warm_up in (1, 60):
                losses, _ = networks["train"](method, rate, scale, warm_up=warm_up)
                ends[case, rate, warm_up] = losses[-40:].mean(axis=0)
    networks["ends"], networks["cases"] = ends, {case: (method, scale, rates)}


def test_warm_up_is_not_judged_by_one_small_rate(networks):
    ends_of(networks, "SGD, sharp start", "sgd", 2.5, (0.02,))
    with planted.refused(PAGE, "warm-up-best-over-best"):
        judge("warm-up-best-over-best", networks)


def test_sharp_start_is_not_taken_for_that_of_he(networks):
    ends_of(networks, "SGD", "sgd", 2.5, (0.2,))
    with planted.refused(PAGE, "warm-up-idle-from-he"):
        judge("warm-up-idle-from-he", networks)


def test_adam_is_not_judged_at_a_rate_too_large(networks):
    ends_of(networks, "Adam", "adam", 1.0, (0.06,))
    with planted.refused(PAGE, "adam-warm-up-idle"):
        judge("adam-warm-up-idle", networks)


def test_dead_networks_are_no_flat_ones(networks):
    with np.errstate(over="ignore", invalid="ignore"):
        _, dead = networks["train"]("sgd", 0.2, 2.5, stop=60)  # without warm-up
    sharp = {
        "after the warm-up": networks["sharpness"](dead),
        "sharp start": networks["sharpness"](networks["first_weights"](1.0)),
    }
    sharp["He's start"] = sharp["after the warm-up"]
    ends = {("SGD, sharp start", 0.05, 1): np.full(5, 2.3)}
    for name in (
        "sharpness-after-warm-up",
        "sharp-start",
        "he-start-above-limit",
        "limit-survived",
    ):
        with planted.refused(PAGE, name):
            judge(name, networks, sharp=sharp, limit=10.0, ends=ends)


def test_primed_steps_count_in_the_correction_of_v(networks):
    code = next(
        pages.source(cell)
        for _, cell in pages.load_page(pages.ROOT / PAGE).code_cells
        if "def train(" in pages.source(cell)
    )
    wrong = dict(networks)
    exec(code.replace("0.999 ** (t + primed)", "0.999**t"), wrong)
    highest = {
        count: wrong["train"]("adam", 0.06, primed=count, stop=30)[0].max(axis=0).mean()
        for count in (0, 100)
    }
    with planted.refused(PAGE, "known-variance-harms"):
        judge("known-variance-harms", wrong, highest=highest)


RANGE_TEST = [
    # Too short to have tested anything; rates that are all too small.
    ("range-test-restores", {"num_steps=200": "num_steps=40"}),
    (
        "range-test-suggestion",
        {"high=1.0, num_steps=200": "high=1e-3, num_steps=101"},
    ),
]


@planted.each(RANGE_TEST)
def test_planted_range_test_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing, skip_tags=())


def test_gradient_of_the_five_networks_is_that_of_the_loss(networks):
    page = networks
    theta = page["first_weights"](1.0)
    rows = page["batches"](0, 1)[0]
    x, y = page["inputs"][rows], page["digits"].y_train[rows]
    direction = np.random.default_rng(0).normal(size=theta.shape)
    ahead, behind = (
        page["loss_and_gradient"](theta + step * direction, x, y)[0]
        for step in (1e-6, -1e-6)
    )
    slope = np.sum(page["loss_and_gradient"](theta, x, y)[1] * direction, axis=1)
    np.testing.assert_allclose((ahead - behind) / 2e-6, slope, rtol=1e-4)
