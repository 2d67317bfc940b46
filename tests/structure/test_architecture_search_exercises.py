import numpy as np
import planted
import pytest

exercises = planted.load_checks("structure/architecture-search")


@pytest.mark.parametrize("answer", [113, 113.97, 115, 59, "114", np.nan, None])
def test_check_trials_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_trials(answer)


@pytest.mark.parametrize(
    "answer", [1 - 0.95**5, 0.95**100, 1 - 0.95**20, 1, 0, np.nan, "0.994"]
)
def test_check_lifetime_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_lifetime(answer)


def test_the_lifetime_is_that_of_a_simulation():
    rng = np.random.default_rng(0)
    drawn = rng.integers(20, size=(20_000, 100)) == 0
    exercises.check_lifetime(1 - 0.95**100)
    assert np.mean(drawn.any(axis=1)) == pytest.approx(1 - 0.95**100, abs=0.003)


def loops(better):
    def answer(accuracies, latencies):
        nets = list(zip(accuracies, latencies, strict=True))
        return [any(better(*a, *b) for a in nets) for b in nets]

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        loops(lambda a, m, b, n: a > b and m < n),  # strictly in both
        loops(lambda a, m, b, n: a >= b and m <= n),  # itself
        loops(lambda a, m, b, n: a > b or m < n),
        loops(lambda a, m, b, n: a <= b and m >= n and (a, m) != (b, n)),
        loops(lambda a, m, b, n: a > b and m <= n),
        loops(lambda a, m, b, n: a >= b and m < n),
        lambda accuracies, latencies: True,
        lambda accuracies, latencies: [False] * len(accuracies),
        0.5,
    ],
)
def test_check_dominated_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_dominated(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda scores, births, size: sorted(scores[:births])[-size:],  # the worst dies
        lambda scores, births, size: scores[:size],
        lambda scores, births, size: scores[-size:],
        lambda scores, births, size: scores[births - size : births],
        lambda scores, births, size: scores[max(0, births - size + 1) : births + 1],
        lambda scores, births, size: None,
        3,
    ],
)
def test_check_oldest_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_oldest(answer)
