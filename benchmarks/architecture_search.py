"""Random search and regularized evolution for small nets on mnist1d, equal budgets.

Both try equally many nets with at most 5,210 parameters, by a short training that is
judged on the validation data; both begin with the same nets, which are trained once.
The first seed also searches with at most 1,000 parameters and measures latencies. The
test data is not opened: that does `architecture_finalists.py`.

One recipe for all nets: Adam, batches of 100, a warm-up over the first tenth of the
steps and a cosine to zero, and random shifts of the signals, in a circle. Of the shifts
0, 3 and 20 the one chosen is the best for the published net on the validation data.
"""

import functools
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # each worker has one core
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np

from aiarch.foundations import count_flops, load_dataset
from aiarch.structure import evolve, small_net
from aiarch.structure.small_nets import SMALL_NETS
from aiarch.training import random_search

SETTINGS = {
    "max_parameters": 5210,
    "few_parameters": 1000,
    "budget": 28,
    "population_size": 12,
    "sample_size": 4,
    "batch_size": 4,
    "short_epochs": 6,
    "learning_rate": 0.01,
    "shift": 3,
    "n_jobs": 2,
}
SEEDS = (0, 1, 2)


def published(seed):
    """The convolutional net of mnist1d's authors: 5,210 parameters."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    parts = [keras.Input((40, 1))]
    for kernel in (5, 3, 3):
        parts.append(layers.ZeroPadding1D(1))
        parts.append(layers.Conv1D(25, kernel, 2, activation="relu"))
    return keras.Sequential([*parts, layers.Flatten(), layers.Dense(10)])


def train(model, x, y, epochs, seed, learning_rate, shift):
    """Train a model by the one recipe."""
    import keras
    import tensorflow as tf

    per_epoch = len(x) // 100
    steps = per_epoch * epochs
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - steps // 10, warmup_target=learning_rate, warmup_steps=steps // 10
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(x))[: per_epoch * 100] for _ in range(epochs)]
    rows = np.concatenate(orders).reshape(steps, 100)
    shifts = rng.integers(-shift, shift + 1, size=(steps, 100, 1))
    places = (np.arange(40) - shifts) % 40
    x, y = tf.constant(x), tf.constant(y)

    @tf.function(autograph=False)
    def step(rows, places):
        batch = tf.gather(tf.gather(x, rows), places, batch_dims=1)
        model.train_step((batch, tf.gather(y, rows)))

    @tf.function(autograph=False)
    def loop(rows, places):
        def body(t):
            step(rows[t], places[t])
            return t + 1

        tf.while_loop(lambda t: t < steps, body, [0])

    loop(tf.constant(rows, tf.int32), tf.constant(places, tf.int32))


def accuracy(model, x, y):
    """Share of right answers."""
    return float((model.predict_on_batch(x).argmax(axis=1) == y).mean())


@functools.cache
def data_file():
    """File with mnist1d, which takes long to make; the workers read it."""
    known = load_dataset("mnist1d")
    parts = {
        f"{axis}_{part}": getattr(known, f"{axis}_{part}")
        for axis in "xy"
        for part in ("train", "val", "test")
    }
    parts["x_both"], parts["y_both"] = known.train_and_validation()
    path = Path(tempfile.mkdtemp()) / "mnist1d.npz"
    np.savez(path, **parts)
    return str(path)


def short(configuration, seed, path, max_parameters, epochs, **recipe):
    """Validation accuracy after a short training."""
    import keras

    keras.backend.clear_session()
    known, model = np.load(path), small_net(configuration, max_parameters, seed=seed)
    train(model, known["x_train"], known["y_train"], epochs, seed, **recipe)
    return accuracy(model, known["x_val"], known["y_val"])


def latency_ms(model):
    """Shortest of 200 calls of a graph with 100 signals."""
    import tensorflow as tf

    from aiarch.foundations import measure_latency

    @tf.function(autograph=False)
    def call(x):
        return model(x, training=False)

    x = tf.constant(np.load(data_file())["x_val"][:100])
    return measure_latency(call, x, warmup=20, repeats=200).min_ms


def searches(seed, max_parameters, settings):
    """Trials of both methods; what both try is trained once."""
    recipe = {name: settings[name] for name in ("learning_rate", "shift")}
    evaluate = functools.partial(
        short,
        path=data_file(),
        max_parameters=max_parameters,
        epochs=settings["short_epochs"],
        **recipe,
    )
    options = {name: settings[name] for name in ("budget", "n_jobs")}
    drawn = random_search(SMALL_NETS, evaluate, seed=seed, progress=True, **options)
    known = {trial.seed: trial for trial in drawn.trials}

    def once(configuration, seed):
        trial = known.get(seed)
        if trial is not None and trial.configuration == configuration:
            return trial.score
        return evaluate(configuration, seed)

    names = "population_size", "sample_size", "batch_size"
    options |= {name: settings[name] for name in names}
    return drawn, evolve(SMALL_NETS, once, seed=seed, progress=True, **options)


def run(seed, max_parameters, few_parameters, **settings):
    """Nets that were tried and their validation accuracies; latencies."""
    figures = {}
    limits = {"large": max_parameters} | ({"small": few_parameters} if not seed else {})
    for size, limit in limits.items():
        drawn, evolved = searches(seed, limit, settings)
        for name, found in (("random", drawn), ("evolved", evolved)):
            figures[f"{size}_{name}_nets"] = [t.configuration for t in found.trials]
            figures[f"{size}_{name}_values"] = [t.value for t in found.trials]
            figures[f"{size}_{name}_seconds"] = [t.seconds for t in found.trials]
            figures[f"{size}_{name}_net"] = found.best.configuration
        ranked = sorted(drawn.trials, key=lambda trial: trial.score)
        median = ranked[(len(ranked) - 1) // 2]
        figures[f"{size}_median_net"] = median.configuration
    if not seed:
        nets = figures["large_random_nets"] + figures["large_evolved_nets"]
        nets = list({str(net): net for net in nets}.values())
        built = [small_net(net, max_parameters) for net in nets]
        figures["front_nets"] = nets
        figures["front_ms"] = [latency_ms(model) for model in built]
        figures["front_flops"] = [int(count_flops(model)) for model in built]
        figures["published_ms"] = [latency_ms(published(0))]
    return figures
