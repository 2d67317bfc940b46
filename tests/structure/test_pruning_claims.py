"""Wrong methods planted in the chapter on pruning, which must not pass."""

import planted

PAGE = "book/structure/pruning.ipynb"


PLANTED = [
    ("smaller-costs-more", {"[50.0, 6.0]": "[25.0, 6.0]"}),
    ("saliency-costs-less", {"(theta - best) / 2": "(theta - best)"}),
    # The Hessian's own diagonal in place of its inverse's: nothing responds.
    ("response-costs-least", {"best**2 / (2 * np.diag(inverse))": "saliency"}),
    ("response-costs-least", {"* inverse[:, 1]": "* np.array([0, inverse[1, 1]])"}),
    ("straight-last", {'("straight", 1)': '("straight", 2)'}),
    ("straight-last", {"(1 - np.array(s[:-1]))": "1"}),
    ("cubic-most", {'("cubic", 3)': '("cubic", 1)'}),
    # Ties in the order of an unstable sort's mirror image; a count that rounds down.
    ("masks-equal", {"mask[order[: round(": "mask[order[: int("}),
    ("masks-equal", {"np.argsort(np.abs(weights), axis": "np.argsort(weights, axis"}),
    ("masks-equal", {"mask[order[: round(share * weights.size)]]": "mask[order[:1]]"}),
    # Columns, not zeros, are what the multiplication counts.
    ("zeros-are-not-speed", {"shortest_ms(batch, sparse)": "0.1 * full_ms"}),
    ("columns-are-speed", {"shortest_ms(batch, full[:, :102].copy())": "full_ms"}),
    ("zeros-keep-bytes", {"sparse.nbytes": "sparse[sparse != 0].nbytes"}),
    ("zeros-compress", {"sparse.tobytes()": "full.tobytes()"}),
    # The stored figures: shares by layer in place of the whole net, and the reverse.
    (
        "cost-at-80",
        {'figures("lenet_cubic_global_0.8")': 'figures("lenet_one_shot_layer_0.95")'},
    ),
    ("no-less-overfitting", {"errors(method)[1] - dense": "errors(method)[3] - dense"}),
    ("still-fits", {"_0.8_train": "_0.98_train"}),
    ("alike-at-80", {"errors(method)[0].mean()": "errors(method)[3].mean()"}),
    ("global-saves", {'errors("cubic_layer")': 'errors("cubic_global")'}),
    ("cubic-saves", {'errors("linear_global")': 'errors("cubic_global")'}),
    ("gradual-saves", {'errors("one_shot_global")': 'errors("linear_global")'}),
    ("large-sparse-saves", {"lenet_small_0.95": "lenet_dense"}),
    ("values-matter", {'controls["reinitialised"][2]': "ticket[11]"}),
    ("places-matter", {'controls["random"][2]': 'controls["reinitialised"][2]'}),
    (
        "transformer-80",
        {'paired(figures("transformer_0.8")': 'paired(figures("transformer_0.9")'},
    ),
    ("mask-time", {"max(ratios.values())": "2 * max(ratios.values())"}),
    ("mask-time-updates", {"max(with_updates.values())": "2 * max(ratios.values())"}),
    ("ticket-costs", {"(ticket[12] - ": '(controls["random"][2] - '}),
    ("entropy-predicts", {"h / 32 + 1 - share": "h / 32"}),
    ("entropy-predicts", {"len(places) + ": ""}),
]


@planted.each(PLANTED)
def test_wrong_method_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)
