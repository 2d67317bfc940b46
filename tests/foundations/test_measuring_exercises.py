"""Checks of the exercises refuse plausible wrong answers."""

import numpy as np
import planted
import pytest

CHECKS = planted.load_checks("foundations/measuring")


def interval(values, seed, quantiles=(0.025, 0.975), count=2000):
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(count, len(values)))
    return tuple(np.quantile(values[drawn].mean(axis=1), quantiles))


def unpaired(first, second, seed):
    rng = np.random.default_rng(seed)
    n = len(first)
    a = first[rng.integers(n, size=(2000, n))].mean(axis=1)
    b = second[rng.integers(n, size=(2000, n))].mean(axis=1)
    return tuple(np.quantile(a - b, [0.025, 0.975]))


WRONG = [
    ("check_images", 8443, "still above"),
    ("check_images", 8445, "Fewer images"),
    ("check_images", 8443.75, "integer"),
    ("check_images", -8444, "At least one"),
    ("check_images", 12, "still above"),
    ("check_images", "8444", "Give one number"),
    ("check_discordant", 0.00546, "Give points"),
    ("check_discordant", 100 * np.sqrt(0.03 / 1000), "squared mean"),
    ("check_discordant", 0.55, "three decimals"),
    ("check_discordant", 100 * np.sqrt(0.02 / 1000), "all thirty"),
    ("check_discordant", 100 * np.sqrt(2 * 0.05 * 0.95 / 1000), "Too large"),
    ("check_discordant", None, "Give one number"),
    ("check_flops", 32 * 32 * 16 * 56, "smaller than 32×32"),
    ("check_flops", 30 * 30 * 16 * 29, "two operations"),
    ("check_flops", 30 * 30 * 16 * 54, "Bias and ReLU both"),
    ("check_flops", 30 * 30 * 16 * 55, "Bias and ReLU both"),
    ("check_flops", 30 * 30 * 16 * 57, "Count again"),
    ("check_flops", True, "Give one number"),
    ("check_paired", (0.0, 1.0), "function itself"),
    ("check_paired", unpaired, "resampled separately"),
    ("check_paired", lambda a, b, seed: interval(b - a, seed), "first less second"),
    (
        "check_paired",
        lambda a, b, seed: interval(a - b, seed, (0.05, 0.95)),
        "3.9 standard errors",
    ),
    ("check_paired", lambda a, b, seed: interval(a - b, 0), "Another seed"),
    (
        "check_paired",
        lambda a, b, seed: interval(a - b, None),
        "same seed must give",
    ),
]


@pytest.mark.parametrize(("check", "answer", "message"), WRONG)
def test_wrong_answers_are_refused(check, answer, message):
    with pytest.raises(AssertionError, match=message):
        getattr(CHECKS, check)(answer)
