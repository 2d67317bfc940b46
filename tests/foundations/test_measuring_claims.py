"""Wrong methods planted in the chapter on measuring make its claims fail."""

import planted

PAGE = "book/foundations/measuring.ipynb"

PLANTED = {
    # Only the reported run of each side, chosen by its score.
    "false-win-vanishes": {
        "bootstrap_interval(tries, plain)": "bootstrap_interval(winner, baseline)"
    },
    # Rows are not drawn anew, so only other images are covered.
    "fair-low": {
        "bootstrap_interval(tries, plain)": (
            "bootstrap_interval(tries.mean(axis=0), plain.mean(axis=0))"
        )
    },
    # Choosing one of the tries before its score is seen.
    "luck-gain": {"max(ten, key=np.mean)": "ten[0]"},
    # The variance taken for the standard error.
    "half-a-point": {"np.sqrt(p * (1 - p) / n)": "p * (1 - p) / n"},
    # The mean of the scores instead of the best.
    "best-of-ten": {".max(axis=1).mean()": ".mean(axis=1).mean()"},
    # Disagreements in one direction only.
    "only-disagreements-count": {"+ only_second -": "-"},
    # Drawn without replacement, nothing could have been otherwise.
    "bootstrap-error": {
        "rng.integers(len(values), size=(count, len(values)))": (
            "rng.permuted(np.tile(np.arange(len(values)), (count, 1)), axis=1)"
        )
    },
}


@planted.each(list(PLANTED.items()))
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)


def test_the_page_holds_up_to_there():
    variables = planted.run_page(PAGE, until="bootstrap-error", skip_tags=("slow",))
    assert variables["plain"].shape == (10, 1000)
