"""Wrong methods planted in the chapter on AdaDelta, which must not pass."""

import planted

PAGE = "book/optimizers/adadelta.ipynb"


RULE = "free_rule = adadelta(learning_rate=1.0, rho=0.95, epsilon=1e-6)"
PLANTED = [
    ("fixed-rate-solves", {"sgd(0.01)": "sgd(0.001)"}),
    ("known-length-solves", {"learning_rate=0.0045": "learning_rate=0.00045"}),
    # Other rules in AdaDelta's place, and AdaDelta with other settings.
    ("same-path", {RULE: "free_rule = sgd(1e-5)"}),
    ("first-step", {RULE: "free_rule = rmsprop(0.002, rho=0.95)"}),
    ("first-step", {RULE: "free_rule = adadelta(1.0, rho=0.9, epsilon=1e-6)"}),
    ("growth-on-a-slope", {"lengths[999]": "lengths[0]"}),
    ("no-estimate-of-curvature", {"num_steps=100": "num_steps=500"}),
    ("far-start-steps", {"10_000, start=100.0": "10_000, start=90.0"}),
    ("swing-multiplier", {"ratio(h, 2000)": "ratio(h, 300)"}),
    ("end-as-predicted", {"- 4 / h**2)) for h in (3": "- 2 / h**2)) for h in (3"}),
    ("flat-converges", {"quadratic([1.0, 3.0": "quadratic([2.5, 3.0"}),
    ("coupled-oscillates", {"(2.5, 1.5, 1.0)": "(2.5, 1.5, 0.4)"}),
    ("coupled-rests", {"(1.7, 1.2, 0.5)": "(1.7, 1.2, 0.9)"}),
    (
        "rule-equals-libraries",
        {
            "rule_path(adadelta(**settings))": (
                'rule_path(adadelta(**{**settings, "rho": 0.937500001}))'
            )
        },
    ),
    ("default-crawls", {"descend(adadelta(), 1.0": "descend(adadelta(1.0), 1.0"}),
    ("epsilon-is-a-length", {"1e-4), 3.0": "1e-5), 3.0"}),
    ("epsilon-above-decides", {"two_places(1e-4, 1e-6": "two_places(1e-6, 1e-4"}),
    ("epsilon-below-does-not", {"two_places(1e-6, 1e-4": "two_places(1e-4, 1e-6"}),
    # The step that the article's rule lacks; AdaDelta with one ε for both places.
    (
        "article-crawls",
        {"curvature * theta\n        e =": "np.sign(theta)\n        e ="},
    ),
    ("article-diverges", {"(0.01, 1.0, 100.0))": "(0.01, 1.0, 10.0))"}),
    (
        "article-still",
        {"without_denominator(1.0, 0.0)": "without_denominator(1.0, 1e-9)"},
    ),
    ("article-has-no-units", {'change["of_article"]': 'change["of_adadelta"]'}),
    ("adadelta-has-units", {"1e-6 * start**2, 1e-6 / start**2": "1e-6, 1e-6"}),
]


@planted.each(PLANTED)
def test_wrong_method_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)
