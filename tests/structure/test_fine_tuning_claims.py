"""Wrong methods planted in the chapter on fine-tuning, which must not pass."""

import planted

PAGE = "book/structure/fine-tuning.ipynb"
TRAPS = "**Unfreezing an adapted layer.**"
UNSCALED = """def unscaled(model):
    for layer in model._flatten_layers():
        if getattr(layer, "lora_enabled", False):
            layer.lora_alpha = layer.lora_rank
    return merge_lora(model)


def merging_error"""

RACE = "### Which way, with how many labels?"
TEXT = "### The transformer and another text"
AGAINST = 'other="all") for cell'

PLANTED = [
    # Frozen features hardly mind the rate; the smallest rate in place of the largest.
    ("tuned-too-fast", {'net", "all"': 'net", "head"'}, None),
    ("start-lost", {'from scratch"])[-1]': 'from scratch"])[0]'}, None),
    # The nearest answer to zero from every start; a share of lengths, not of squares.
    ("gain-predicted", {"(theta_0 + change": "(0 * theta_0 + change"}, None),
    (
        "gain-predicted",
        {"= (1 - counts / d) * (f": "= (1 - counts / d) ** 2 * (f"},
        None,
    ),
    (
        "old-mean-left",
        {"norm = layers.BatchNorm": "norm = layers.BatchNormalization(momentum=0.9) #"},
        None,
    ),
    (
        "lora-by-hand",
        {"scale = alpha / B.shape[0]": "scale = alpha / B.shape[1]"},
        None,
    ),
    ("lora-by-hand", {"scale * G @ B.T": "G @ B.T"}, None),
    (
        "merged-equal",
        {"def merging_error": UNSCALED, "merge_lora(model)(": "unscaled(model)("},
        None,
    ),
    ("rates-fall", {"1, 0.1, decay)": "1, 0.1, decay**0.9)"}, None),
    # A net against itself; few labels in place of many.
    ("lead-at-3", {'other="scratch"': 'other="all"'}, RACE),
    ("least-lead-at-3", {"lead(method, 3)": "lead(method, 10)"}, RACE),
    ("mean-lead-at-10", {'lead("all", 10)': 'lead("all", 30)'}, RACE),
    ("lead-at-10", {'lead("all", 10)': 'lead("lora", 10)'}, RACE),
    ("no-lead-later", {"(30, 100)": "(10, 100)"}, RACE),
    ("head-behind-scratch", {'lead("head", 100)': 'lead("head", 30)'}, RACE),
    ("none-beats-all", {AGAINST: 'other="scratch") for cell'}, RACE),
    ("head-behind-all", {AGAINST: 'other="scratch") for cell'}, RACE),
    ("batch-norm-difference", {AGAINST: 'other="scratch") for cell'}, RACE),
    ("lora-gives-away", {'bits("lora") - bits("all")': 'bits("lora") * 0'}, TEXT),
    ("lora-gains", {'- bits("lora")).mean() /': '- bits("scratch")).mean() /'}, TEXT),
    ("lora-beats-head", {'bits("head") - ': 'bits("all") - '}, TEXT),
    ("scratch-behind", {'bits("scratch") - ': 'bits("head") - '}, TEXT),
    (
        "transformer-learns",
        {"add_lora(adapted_net": "(lambda *a: 0)(adapted_net"},
        None,
    ),
    (
        "kernel-set-free",
        {"layer.trainable = False\nlayer.trainable = True": "adapted"},
        TRAPS,
    ),
    (
        "loaded-adapter-is-dead",
        {"keras.models.load_model(saved, compile=False)": "one"},
        None,
    ),
]


@planted.each(PLANTED, ("name", "replacing", "after"))
def test_planted_fault_is_refused(name, replacing, after):
    planted.check_refused(PAGE, name, replacing, after=after)


def test_statistics_that_move_are_refused():
    quick = {"epochs=6": "epochs=1", "12, 0.003": "1, 0.003"}
    planted.check_refused(
        PAGE,
        "statistics-stay",
        {
            **quick,
            "verbose=0, jit_compile=False)\ntuned": "freeze_batch_norm=False)\ntuned",
        },
        skip_tags=(),
    )
