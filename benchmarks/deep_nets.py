"""Trainings of a dense ReLU net of 30 layers from four initializations.

Each initialization, with SGD and with Adam, tries the same learning rates on the
validation data with the choosing seeds. The rate with the highest mean accuracy goes on
to the other seeds, each of which opens the test data once. Rates are constant; biases
start at zero; nothing is normalized, skipped or decayed. Figures are shares of right
digits of `mnist5k`, and the mean loss of every `every` steps on the training batches.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from aiarch.foundations import load_dataset

SETTINGS = {
    "learning_rates": {
        "sgd": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
        "adam": [3e-5, 1e-4, 3e-4, 1e-3, 3e-3],
    },
    "choosing_seeds": [0, 1],
    "depth": 30,
    "width": 64,
    "num_steps": 600,
    "batch_size": 32,
    "every": 20,
}
SEEDS = (2, 3, 4, 5, 6)
INITIALIZERS = {
    "small": functools.partial(keras.initializers.RandomNormal, stddev=0.01),
    "glorot": keras.initializers.GlorotNormal,
    "he": keras.initializers.HeNormal,
    "orthogonal": functools.partial(keras.initializers.Orthogonal, gain=2**0.5),
}
OPTIMIZERS = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}


def build(depth, width, initializer, seed):
    """`depth` layers with weights, ReLU after all but the last, 10 logits."""
    rng = np.random.default_rng(seed)
    inputs = x = keras.Input((784,))
    for _ in range(depth - 1):
        start = INITIALIZERS[initializer](seed=int(rng.integers(2**31)))
        x = keras.layers.Dense(width, "relu", kernel_initializer=start)(x)
    start = INITIALIZERS[initializer](seed=int(rng.integers(2**31)))
    outputs = keras.layers.Dense(10, kernel_initializer=start)(x)
    return keras.Model(inputs, outputs)


@functools.cache
def parts():
    """Images as rows and labels, by part."""
    data = load_dataset("mnist5k")
    return {
        part: (
            getattr(data, f"x_{part}").reshape(-1, 784).astype("float32"),
            getattr(data, f"y_{part}").astype("int32"),
        )
        for part in ("train", "val", "test")
    }


@functools.cache
def make_trainer(name, depth, width, num_steps, batch_size, every):
    """Return `train(initializer, rate, seed, part)`: accuracy there, and losses."""
    net, optimizer = build(depth, width, "he", 0), OPTIMIZERS[name]()
    weights = net.trainable_variables
    optimizer.build(weights)
    x, y = (tf.constant(array) for array in parts()["train"])
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function(jit_compile=True, autograph=False)
    def step(rows, rate):
        optimizer.learning_rate = rate
        with tf.GradientTape() as tape:
            loss = cross_entropy(tf.gather(y, rows), net(tf.gather(x, rows)))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    @tf.function
    def loop(batches, rate):
        losses = tf.TensorArray(tf.float32, len(batches))
        for t in tf.range(len(batches)):
            losses = losses.write(t, step(batches[t], rate))
        return losses.stack()

    def train(initializer, rate, seed, part):
        net.set_weights(build(depth, width, initializer, seed).get_weights())
        for variable in optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        shape = (num_steps, batch_size)
        rows = np.random.default_rng(seed).integers(len(x), size=shape)
        losses = loop(tf.constant(rows), tf.constant(rate, "float32")).numpy()
        images, labels = parts()[part]
        logits = net(images).numpy()
        right = float((logits.argmax(axis=1) == labels).mean())
        finite = bool(np.isfinite(logits).all())
        means = losses.reshape(-1, every).mean(axis=1)
        return right if finite else 0.0, [round(float(loss), 4) for loss in means]

    return train


@functools.cache
def chosen(name, initializer, rates, seeds, *settings):
    """Return the trainer, the best rate, and the validation accuracy of each rate."""
    train = make_trainer(name, *settings)
    tried = [
        float(np.mean([train(initializer, rate, seed, "val")[0] for seed in seeds]))
        for rate in rates
    ]
    return train, rates[int(np.argmax(tried))], tried


def run(
    seed: int,
    learning_rates: dict[str, list[float]],
    choosing_seeds: list[int],
    depth: int,
    width: int,
    num_steps: int,
    batch_size: int,
    every: int,
) -> dict:
    """Chosen rate, test accuracy and losses of each optimizer and initialization."""
    figures = {}
    for name, rates in learning_rates.items():
        for initializer in INITIALIZERS:
            train, rate, tried = chosen(
                name,
                initializer,
                tuple(rates),
                tuple(choosing_seeds),
                depth,
                width,
                num_steps,
                batch_size,
                every,
            )
            accuracy, losses = train(initializer, rate, seed, "test")
            figures[f"{name}_{initializer}_rate"] = rate
            figures[f"{name}_{initializer}_validation"] = tried
            figures[f"{name}_{initializer}_test"] = accuracy
            figures[f"{name}_{initializer}_losses"] = losses
    return figures
