"""Wrong methods planted in the chapter on momentum, which must not pass."""

import planted
import pytest

PAGE = "book/optimizers/momentum.ipynb"


PLANTED = [
    # Settings that are nearly the best; a rate that is.
    ("steps-gradient-descent", {"sgd(2 / (L + mu))": "sgd(1.9 / (L + mu))"}),
    ("steps-momentum", {"momentum=(9 / 11) ** 2": "momentum=0.7"}),
    ("steps-momentum", {"sgd(4 / 121,": "sgd(3.8 / 121,"}),
    ("steps-momentum", {"momentum=(9 / 11) ** 2": "momentum=9 / 11"}),
    # κ in place of its root; no momentum.
    ("steps-grow-with-root", {"root = np.sqrt(kappa)\n": "root = kappa**0.6\n"}),
    ("double-root-costs", {"np.sqrt(kappas) / 2 *": "np.sqrt(kappas) *"}),
    ("double-root-costs", {"run.points, 1e-6": "run.points, 1e-4"}),
    ("gain-at-ten-thousand", {"plain[-1] / heavy": "plain[-2] / heavy"}),
    # A factor that is too small for some settings.
    ("none-is-better", {"np.maximum(abs(a + root), abs(a - root))": "abs(a + root)"}),
    ("ends-on-the-floor", {"1 + beta - eta_lambda": "1 - eta_lambda"}),
    # A factor blind to η; other ends; a step for which the roots stay double.
    ("ends-on-the-floor", {"1 + beta - eta_lambda": "1 + beta - 0.7 * eta_lambda"}),
    (
        "ends-on-the-floor",
        {"plateau_ends = factor(4 / 121": "plateau_ends = factor(3.95 / 121"},
    ),
    ("steps-beyond-the-best", {"momentum=0.68": "momentum=(9 / 11) ** 2"}),
    # Settings for a rounder valley converge; another function has no cycle.
    ("cycle-of-three", {"sgd(1 / 9, 4 / 9)": "sgd(1 / 9, 0.3)"}),
    ("cycle-of-three", {"[3.3], 300)": "[3.3], 150)", "last[:-3]": "last[1:-2]"}),
    ("cycle-distance", {"x + 24, 25 * x - 24": "25 * x, 25 * x"}),
    ("others-arrive", {"1 / 25, 2 / 3, nesterov=True": "1 / 9, 4 / 9"}),
    # A sum for the average; its last value only; too short a memory.
    ("filter-variance", {"beta * m + (1 - beta) * g": "beta * m + g"}),
    ("filter-variance", {"gradients, beta=0.9": "gradients, beta=0.91"}),
    ("filter-mean-age", {"np.arange(1000) @": "np.arange(1, 1001) @"}),
    # The article's reading: the change from one gradient to the next.
    (
        "filter-damps-jumps",
        {"average(np.tile([11.0, -9.0], 200))": "np.diff(np.tile([11.0, -9.0], 200))"},
    ),
    # The rate of one form in the other.
    ("average-equals-heavy-ball", {"start, 0.1, 0.9": "start, 0.01, 0.9"}),
    ("average-equals-heavy-ball", {"(1 - beta) * gradient(": "0.11 * gradient("}),
    # A rate that is a little off; no look ahead; PyTorch with another habit.
    (
        "momentum-equals-libraries",
        {"rule = minimize(sgd(eta, beta)": "rule = minimize(sgd(1.001 * eta, beta)"},
    ),
    (
        "momentum-equals-libraries",
        {"minimize(sgd(eta, beta, nesterov=True)": "minimize(sgd(eta, beta)"},
    ),
    # Both forms with the same bookkeeping; no cut.
    ("forms-follow-their-sums", {"learning_rate = eta / 8": "learning_rate = eta"}),
    ("forms-follow-their-sums", {"torch_path(*setting,": "torch_path(eta, 0.0, 50,"}),
    ("forms-follow-their-sums", {'remembers == "steps"': 'remembers == "none"'}),
    ("forms-follow-their-sums", {"np.arange(t, -1, -1)": "np.arange(t + 1, 0, -1)"}),
    (
        "forms-follow-their-sums",
        {"keras_path(SGD, *setting, drop_at=10)": "keras_path(SGD, *setting)"},
    ),
    ("forms-part-after-cut", {"drop_at=10": "drop_at=60", ", 10, ": ", 60, "}),
    ("forms-part-after-cut", {"[:, 0].max()": "[:, 1].max()"}),
    # Momentum without the tenfold smaller rate; other noise.
    ("noise-same-speed", {"noisy_losses(1e-4, 0.9": "noisy_losses(1e-4, 0.8"}),
    ("noise-same-floor", {"heavy_noisy[-5000:]": "heavy_noisy[:5000]"}),
    ("noise-floor-formula", {"(2 * (1 + beta) - eta": "(2 * (1 + beta) + eta"}),
    ("noise-floor-formula", {"* (1 + beta) / (1 - beta)": "/ (1 - beta)"}),
    # The slow gradient descent as the yardstick of the fast heavy ball.
    (
        "noise-long-steps",
        {"ball_loss(2 / 101, 0) / ball": "ball_loss(1e-2, 0) / ball"},
    ),
    ("noise-fast-settings", {"/ ball_loss(2 / 101, 0),": "/ ball_loss(1e-3, 0),"}),
    ("noise-fast-settings", {"ball_loss(4 / 121, 81 / 121) /": "ball_loss(4e-3, 0) /"}),
    ("noise-steep-factor", {"factor(1e-4 * L, 0.9)": "factor(1e-4 * mu, 0.9)"}),
]
# Without PyTorch the page follows its sums, so these have nothing to differ from.
PLANTED_BESIDE_PYTORCH = [
    ("forms-follow-their-sums", {'["lr"] = eta / 8': '["lr"] = eta'}),
    ("forms-follow-their-sums", {'== "steps" else': '!= "none" else'}),
]


@planted.each(PLANTED)
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)


@planted.each(PLANTED_BESIDE_PYTORCH)
def test_planted_fault_is_refused_beside_pytorch(name, replacing):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    planted.check_refused(PAGE, name, replacing)


def test_nesterovs_gain_on_the_quadratic_is_that_of_the_text():
    page = planted.run_page(PAGE, until="steps-momentum", skip_tags=("slow",))
    np, minimize, sgd = page["np"], page["minimize"], page["sgd"]
    rule = sgd(1 / 100, momentum=9 / 11, nesterov=True)
    points = minimize(rule, page["valley"], [1.0, 1.0], 400).points
    distance = np.linalg.norm(points, axis=1)
    factor = (distance[400] / distance[200]) ** (1 / 200)
    assert factor == pytest.approx(1 - 1 / 10, abs=0.006)  # t adds to the power
    beyond = 2 * (1 + 0.9) / (1 + 2 * 0.9) / 100
    for share, ends in [(0.99, True), (1.01, False)]:
        rule = sgd(share * beyond, momentum=0.9, nesterov=True)
        points = minimize(rule, page["valley"], [1.0, 1.0], 3000).points
        assert (np.abs(points[-1, 1]) < 1) == ends


@pytest.mark.parametrize(
    ("start", "ends"), [(3.1, False), (3.3, False), (3.05, True), (5.0, True)]
)
def test_cycle_depends_on_the_start(start, ends):
    page = planted.run_page(PAGE, until="cycle-of-three", skip_tags=("slow",))
    rule = page["rules"]["heavy ball"]
    points = page["minimize"](rule, page["kinked"], [start], 300).points
    assert (abs(points[-1, 0]) < 1e-9) == ends


@pytest.mark.parametrize(
    ("kappa", "steps"),
    [(10, (29, 149, 33)), (100, (107, 881, 59)), (1000, (353, 1540, 133))],
)
def test_steps_with_resets_are_those_of_the_solution(kappa, steps):
    page = planted.run_page(PAGE, until="steps-momentum", skip_tags=("slow",))
    np, sgd, bowl = page["np"], page["sgd"], page["quadratic"]([1.0, kappa])
    root, counted = kappa**0.5, []
    for beta, resets in [((root - 1) / (root + 1), False), (0.99, False), (0.99, True)]:
        rule = sgd(1 / kappa, momentum=beta, nesterov=True)
        points, theta = [np.ones(2)], np.ones(2)
        state = rule.init(theta)
        for _ in range(2000):
            theta, state = rule.step(theta, bowl.gradient(theta), state)
            if resets and bowl(theta) > bowl(points[-1]):
                state = rule.init(theta)
            points.append(theta)
        counted.append(page["steps_until"](np.array(points)))
    assert counted == pytest.approx(steps, abs=1)
