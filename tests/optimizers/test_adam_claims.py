"""Wrong methods planted in the chapter on Adam, which must not pass."""

import planted

PAGE = "book/optimizers/adam.ipynb"


PLANTED = [
    ("first-step", {"np.sqrt(1 - b**t) / (1 - beta_1**t)": "1 / (1 - beta_1**t)"}),
    ("article-first-step", {'β₂": lambda t, b: 1 / np': 'β₂": lambda t, b: np'}),
    ("article-first-step-own", {"beta_2=0.99)[1])": "beta_2=0.999)[1])"}),
    ("noise-of-v", {"2 * (1 - b) / (1 + b)": "1 - b"}),
    ("v-is-no-variance", {"averages(steady)": "averages(steady - steady.mean())"}),
    # A counter that stays at 1: the first step is right, the others are not.
    ("steps-of-one-rate", {"params = after": 'params, state["iterations"] = after, 0'}),
    ("spike-at-the-papers-bound", {"[1e-30] * 6000": "[1e-30] * 400"}),
    ("growing-step", {"1e-30 * (beta_2 / beta_1) **": "1e-30 * (1 / beta_2) **"}),
    ("bound-is-reached", {"1 - beta_1**2 / beta_2": "1 - beta_1 / beta_2"}),
    # Keras's optimizer with other settings.
    ("rule-equals-keras", {"rule_path(adam(**settings))": "rule_path(adam(0.125))"}),
    (
        "rule-equals-keras",
        {
            "rule_path(adam(**settings))": (
                'rule_path(adam(**{**settings, "beta_1": 0.8750001}))'
            )
        },
    ),
    ("epsilon-apart", {'algorithm_1(lambda t: settings["epsilon"])': "ours"}),
    ("epsilon-aligned", {'- settings["beta_2"] ** t)': '- settings["beta_2"])'}),
    ("epsilon-first-step", {"tiny / (tiny + 1e-7)": "tiny / (tiny + 3e-6)"}),
    ("frozen-counter-early", {"1 - beta_1**t, 1 - beta_2**t": "0.1, 0.001"}),
    ("frozen-counter-late", {"slipped(3000)": "slipped(300)"}),
    # A long memory does not run to the worst point; the short one always does.
    ("round-goes-uphill", {"0.1 * v + 0.9 *": "0.999 * v + 0.001 *"}),
    ("adam-worst-point", {"beta_2=0.1": "beta_2=0.999"}),
    ("amsgrad-best-point", {"play(True)": "play(False)"}),
    ("l2-left-small", {"(0 if decoupled else omega * theta)": "0"}),
    ("l2-left-large", {"decay(False)": "decay(True)"}),
    ("decoupled-left", {"omega if decoupled else": "2 * omega if decoupled else"}),
    ("update-is-a-condition", {"(tau * np.exp(-v / tau) -": "(np.exp(-v / tau) -"}),
    ("model-fixed-points", {"(31, 49.5)": "(30, 49.5)"}),
    ("model-rate", {"rate = w / (v + np.exp(-v / tau))": "rate = w / v"}),
    ("model-diverges", {"(1.5, 1.9)": "(1.5, 1.8)", "runs[1.9]": "runs[1.8]"}),
    ("adam-article-undefined-name", {"in ({}, {": 'in ({"sigmoid": np.exp}, {'}),
    ("adam-article-too-few-labels", {'"y": [0, 1], "t': '"y": [0, 1, 1], "t'}),
    ("adam-article-does-nothing", {'y[i])"': 'y[i]); theta[i] -= h[0]"'}),
    ("adam-descent-optimum", {'True, "l2": 0.01}': 'True, "l2": 0.0101}'}),
]


@planted.each(PLANTED)
def test_wrong_method_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)
