"""Latency of the nets that `architecture_search.py` tried, and the published net.

The nets of the search's first seed take turns, in one thread, and a net's latency is
the shortest of all its calls. Some of the nets are one network described twice: how
well their times agree shows what the others are worth. The published net gets the
search's short training. Run the search first: its stored results say which nets to
measure.
"""

import json
import runpy
from pathlib import Path

SETTINGS = {"num_rounds": 12, "num_calls": 25, "num_signals": 100, "num_trainings": 3}
SEEDS = (0,)
FOLDER = Path(__file__).parent


def compiled(model, x):
    """A function without arguments that calls the model once."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def call():
        return model(x, training=False)

    call()
    return call


def run(seed, num_rounds, num_calls, num_signals, num_trainings):
    """Milliseconds of each net, FLOPs, and the published net's accuracies."""
    search = runpy.run_path(str(FOLDER / "architecture_search.py"))
    import numpy as np
    import tensorflow as tf

    from aiarch.foundations import count_flops, measure_latency

    (path,) = (FOLDER / "results").glob("*/architecture_search.json")
    stored = json.loads(path.read_text())
    settings, first = stored["settings"], stored["runs"][0]
    nets = first["large_random_nets"] + first["large_evolved_nets"]
    nets = list({str(net): net for net in nets}.values())
    models = [search["small_net"](net, settings["max_parameters"]) for net in nets]
    models.append(search["published"](seed))
    known = np.load(search["data_file"]())
    x = tf.constant(known["x_val"][:num_signals])
    calls = [compiled(model, x) for model in models]
    times = [
        [measure_latency(call, warmup=2, repeats=num_calls).min_ms for call in calls]
        for _ in range(num_rounds)
    ]
    *latencies, published_ms = np.min(times, axis=0).tolist()
    accuracies = []
    recipe = {name: settings[name] for name in ("learning_rate", "shift")}
    for training in range(num_trainings):
        model = search["published"](seed + training)
        parts = known["x_train"], known["y_train"], settings["short_epochs"]
        search["train"](model, *parts, seed + training, **recipe)
        accuracies.append(search["accuracy"](model, known["x_val"], known["y_val"]))
    return {
        "nets": nets,
        "milliseconds": latencies,
        "flops": [int(count_flops(model)) for model in models[:-1]],
        "published_milliseconds": published_ms,
        "published_values": accuracies,
    }
