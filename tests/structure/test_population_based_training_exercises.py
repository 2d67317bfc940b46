import numpy as np
import planted
import pytest

exercises = planted.load_checks("structure/population-based-training")


@pytest.mark.parametrize("answer", [11, 11.3, 10, 13, "12", np.nan, None])
def test_check_reach_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_reach(answer)


@pytest.mark.parametrize(
    "answer", [1, 0.96**40, 0.8**20, 0.96, 1.2**20, np.nan, None, "0.44"]
)
def test_check_drift_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_drift(answer)


def test_the_drift_is_that_of_a_simulation():
    factors = np.random.default_rng(0).choice([0.8, 1.2], size=(50_000, 40))
    exercises.check_drift(0.96**20)
    assert np.median(factors.prod(axis=1)) == pytest.approx(0.96**20, rel=0.05)


def backwards(parents, member):
    found = [member]
    for row in reversed(parents[1:]):
        member = row[member]
        found.append(member)
    return found


def too_far(parents, member):
    found = []
    for row in reversed(parents):
        member = row[member]
        found.append(member)
    return found[::-1]


def children(parents, member):
    found = [member]
    for row in parents[1:]:
        found.append(row[found[-1]])
    return found


@pytest.mark.parametrize(
    "answer",
    [
        backwards,
        too_far,
        children,
        lambda parents, member: [row[member] for row in parents],
        lambda parents, member: [member] * len(parents),
        lambda parents, member: backwards(parents, member)[:0:-1],
        lambda parents, member: member,
        [0, 1, 1, 0],
    ],
)
def test_check_lineage_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_lineage(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda eigenvalues, moments, noise: 1 / eigenvalues.max(),
        lambda eigenvalues, moments, noise: 1 / eigenvalues,
        lambda eigenvalues, moments, noise: (
            (eigenvalues * moments).sum() / (eigenvalues**2 * moments + noise).sum()
        ),
        lambda eigenvalues, moments, noise: (
            (eigenvalues**2 * moments).sum() / (eigenvalues**2 * moments + noise).sum()
        ),
        lambda eigenvalues, moments, noise: (
            eigenvalues**2
            * moments
            / (eigenvalues * (eigenvalues**2 * moments + noise))
        ),
        lambda eigenvalues, moments, noise: (
            (eigenvalues**2 * moments).sum() / (eigenvalues**3 * moments).sum()
        ),
        0.5,
    ],
)
def test_check_rate_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rate(answer)
