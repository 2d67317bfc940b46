"""Wrong methods planted in the chapter on PBT, which must not pass."""

import planted

PAGE = "book/structure/population-based-training.ipynb"
IDEA = "(population-based-training-idea)="
DERIVATION = "(population-based-training-derivation)="
SCRATCH = "(population-based-training-scratch)="
USE = "(population-based-training-use)="
GREEDY = "### It is greedy"
KILL = "### A kill, a crash, a bad stage"
LOSERS = "parents[loser] = ranked[rng.integers(count)]"

PLANTED = [
    # One member sees everything; members keep to themselves, or perturb zeros.
    ("toy-without", {'{"h_a": 0.0, "h_b": 1.0}': '{"h_a": 0.5, "h_b": 1.0}'}, None),
    ("toy-with", {'seed=s, explore="resample"': "seed=s"}, IDEA),
    (
        "toy-with",
        {'explore="resample", **toy': "exploit=None, explore=None, **toy"},
        IDEA,
    ),
    # A factor less; the mean of the factors in place of that of their logarithms.
    ("reach-rounds", {"1 + int(np.ceil": "int(np.ceil"}, DERIVATION),
    ("drift-checked", {"np.mean(np.log(walk))": "np.log(np.mean(walk))"}, DERIVATION),
    ("drift-checked", {"[0.8, 1.2]": "[0.8, 1.25]"}, DERIVATION),
    ("spread-checked", {"np.sqrt(40) / 2": "np.sqrt(40)"}, DERIVATION),
    # The best copies from the worst; the state alone is copied; all explore.
    ("scratch-equals-package", {"reverse=True)": "reverse=False)"}, SCRATCH),
    (
        "eight-equal",
        {"copy_hyperparameters=True": "copy_hyperparameters=False"},
        SCRATCH,
    ),
    ("eight-equal", {"if parents[k] != k and": "if"}, SCRATCH),
    ("eight-equal", {"len(start) / 4": "len(start) / 2"}, SCRATCH),
    ("eight-equal", {LOSERS: "parents[loser] = ranked[0]"}, SCRATCH),
    ("ray-version", {'ray["ray_version"]': '"1.0"'}, "Ray Tune has the method too"),
    (
        "ray-toy",
        {'min(ray["resampled_values"])': "0.39"},
        "Ray Tune has the method too",
    ),
    (
        "ray-default",
        {'min(ray["default_values"])': "0.39"},
        "Ray Tune has the method too",
    ),
    ("explore-alone", {'{"exploit": None, "explore": "resample"}': "{}"}, SCRATCH),
    (
        "exploit-alone",
        {"None, space, copy_hyperparameters=False": "None, space"},
        SCRATCH,
    ),
    (
        "exploit-both",
        {'{"explore": None}': '{"exploit": None, "explore": "resample"}'},
        SCRATCH,
    ),
    ("perturb-zero", {'{"explore": "perturb"}': '{"explore": "resample"}'}, SCRATCH),
    # Methods that take each other's place.
    (
        "over-fixed",
        {'points("population_test") - points("fixed': '0 * points("fixed'},
        USE,
    ),
    ("over-fixed-errors", {"/ np.sqrt(len(gain))": ""}, USE),
    ("over-cosine", {'- points("cosine_test")': '- points("fixed_test")'}, USE),
    ("over-cosine-errors", {'- points("cosine_test")': '- points("fixed_test")'}, USE),
    ("one-ancestor", {'reversed(run["parents"][1:])': 'run["parents"][1:2]'}, USE),
    ("rate-kept", {"found[:, -1] /": "found[:, 1] /"}, USE),
    ("shift-kept", {"shifts[:, -1] /": "shifts[:, 1] /"}, USE),
    ("mean-copies", {"np.diff(found, axis=1)": "found"}, USE),
    ("drift-of-copies", {"copies.mean() / 2": "19"}, USE),
    ("chance-ancestor", {"for _ in range(19)": "for _ in range(4)"}, SCRATCH),
    ("fixed-optimism", {'points("fixed_val")': 'points("fixed_test")'}, USE),
    ("again-over-fixed", {'points("fixed_again_test")': 'points("cosine_test")'}, USE),
    ("again-errors", {'- points("fixed_again_test")': "- 93"}, USE),
    ("optimism", {'points("population_val") -': 'points("population_test") -'}, USE),
    ("cosine-optimism", {'points("cosine_val")': 'points("population_val")'}, USE),
    # Eigenvalues without their square; a rate that is not annealed.
    (
        "greedy-over-fixed",
        {"eigenvalues**2 * moments": "eigenvalues * moments"},
        GREEDY,
    ),
    ("greedy-formula", {"sharp + noise": "sharp"}, GREEDY),
    ("greedy-early", {"[19]": "[99]"}, GREEDY),
    (
        "population-over-cosine",
        {"peak * (1 + np.cos(np.pi * step / 200)) / 2": "peak"},
        GREEDY,
    ),
    # A space without the rates that it takes.
    (
        "population-over-fixed",
        {"stats.loguniform(0.001, 1.5)": "stats.loguniform(0.001, 0.1)"},
        GREEDY,
    ),
    # The folder is not used.
    ("resumed-stages", {'"folder": folder, ': ""}, KILL),
    ("resumed-equals", {'"seed": 0, "explore"': '"seed": 1, "explore"'}, IDEA),
]


@planted.each(PLANTED, ("name", "replacing", "after"))
def test_planted_fault_is_refused(name, replacing, after):
    planted.check_refused(PAGE, name, replacing, after=after)
