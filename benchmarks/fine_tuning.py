"""A net trained on MNIST adapted to other digits, and a transformer to other text.

Digits: a small convolutional net with batch normalization learns `mnist5k` (its 3,500
training images), brought to 14×14. Then it sees `digits`, brought to the same size,
with 3 to 100 labels a class. Every method takes the same number of Adam steps at
constant rates. For each number of labels each method tries the same rates with the
choosing seeds on the 180 validation images; the rate with the highest mean accuracy
goes on to the other seeds, each of which opens the test data once. A seed has its own
first training, its own labels and its own batches, which all methods share.

- scratch: fresh weights, batch normalization in training mode
- head: the last layer alone (frozen features)
- all: all layers at one rate, batch normalization in inference mode
- batch_norm: the same in training mode, its scales and shifts learn, too
- gradual: a third of the steps for the last layer, a third for two, a third for all
- discriminative: the rate falls by 2.6 from each layer to the one below
- lora: low-rank changes of all kernels, nothing else

Text: a byte transformer of one block learns `topics`, then sees source code of Python's
library: from scratch, all weights, the last layer, or low-rank changes. Same rules;
figures are bits per byte of the test text.
"""

import functools
import importlib
import inspect
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from aiarch.foundations import byte_transformer, load_dataset
from aiarch.structure import add_lora

SETTINGS = {
    "labels": [3, 10, 30, 100],
    "learning_rates": [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03],
    "choosing_seeds": [0, 1],
    "first_steps": {"digits": 1000, "text": 3000},
    "first_rates": {"digits": 0.001, "text": 0.003},
    "num_steps": {"digits": 300, "text": 600},
    "batch_sizes": {"digits": 32, "text": 16},
    "rank": 4,
    "decay": 1 / 2.6,
}
SEEDS = (2, 3, 4, 5, 6)
DIGITS = ("scratch", "head", "all", "batch_norm", "gradual", "discriminative", "lora")
LENGTH, NUM_WINDOWS = 64, 1000  # of texts, in bytes and in windows
TEXTS = ("scratch", "head", "all", "lora")
MODULES = {
    "train": ("argparse", "ast", "bisect", "calendar", "configparser", "csv"),
    "val": ("difflib", "fnmatch"),
    "test": ("heapq", "inspect", "textwrap"),
}


def build(seed):
    """Two convolutions, two dense layers; all but the last are normalized."""
    rng = np.random.default_rng(seed)

    def start():
        return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))

    def normalized(x):
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    inputs = x = keras.Input((14, 14, 1))
    for filters, size in ((8, 5), (16, 3)):
        x = layers.Conv2D(
            filters, size, padding="same", use_bias=False, kernel_initializer=start()
        )(x)
        x = layers.MaxPooling2D()(normalized(x))
    x = layers.Dense(84, use_bias=False, kernel_initializer=start())(
        layers.Flatten()(x)
    )
    outputs = layers.Dense(10, kernel_initializer=start())(normalized(x))
    return keras.Model(inputs, outputs)


def halved(images):
    """MNIST: mean of each two by two pixels, (n, 28, 28, 1) to (n, 14, 14, 1)."""
    return images.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))


def enlarged(images):
    """Digits: bilinear from (n, 8, 8, 1) to 10×10, then a frame of two empty pixels."""
    larger = ops.image.resize(images, (10, 10), interpolation="bilinear")
    return np.pad(ops.convert_to_numpy(larger), ((0, 0), (2, 2), (2, 2), (0, 0)))


@functools.cache
def task(name):
    """Builder, data of the first training, and parts of the second."""
    if name == "digits":
        first, then = load_dataset("mnist5k"), load_dataset("digits")
        parts = {
            part: (enlarged(getattr(then, f"x_{part}")), getattr(then, f"y_{part}"))
            for part in ("train", "val", "test")
        }
        before = halved(first.x_train), first.y_train
        return SimpleNamespace(build=build, first=before, parts=parts, right=right)
    first, parts = load_dataset("topics"), {}
    for part, modules in MODULES.items():
        sources = [inspect.getsource(importlib.import_module(m)) for m in modules]
        text = np.frombuffer("\n".join(sources).encode(), "uint8").astype("int32")
        starts = np.linspace(0, len(text) - LENGTH - 1, NUM_WINDOWS).astype(int)
        windows = np.stack([text[start : start + LENGTH + 1] for start in starts])
        parts[part] = windows[:, :-1], windows[:, 1:]
    before = first.x_train[:, :LENGTH], first.y_train[:, :LENGTH]
    make = functools.partial(byte_transformer, LENGTH, 32, 1, 2)
    return SimpleNamespace(build=make, first=before, parts=parts, right=minus_bits)


def right(logits, y):
    """Whether each answer is right."""
    return (logits.argmax(axis=-1) == y).astype("float64")


def minus_bits(logits, y):
    """Minus the mean cross-entropy of each window, in bits a byte."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    of_label = np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    loss = np.log(np.exp(logits).sum(axis=-1)) - of_label
    return -loss.mean(axis=1) / np.log(2)


class Trainer:
    """Adam on one net, compiled once; the rate of each layer is an argument."""

    def __init__(self, net, training):
        """Make an optimizer for each layer that learns, from the output down."""
        normalizes = {
            id(v)
            for layer in net.layers
            if isinstance(layer, layers.BatchNormalization)
            for v in layer.weights
        }
        learning = [
            v for v in net.trainable_variables if training or id(v) not in normalizes
        ]
        by_path, self.adams = {}, []
        for layer in net.layers:
            if isinstance(layer, layers.BatchNormalization):
                adam = self.adams[-1]  # it learns with the layer before
            elif layer.trainable_variables:
                adam = keras.optimizers.Adam()
                self.adams.append(adam)
            by_path |= {v.path: adam for v in layer.trainable_variables}
        self.adams.reverse()
        self.net, self.optimizer = (
            net,
            keras.optimizers.MultiOptimizer(
                keras.optimizers.OptimizerMap(self.adams[0], by_path)
            ),
        )
        self.optimizer.build(learning)
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function(jit_compile=True, autograph=False)
        def step(x, y, rates):
            for number, adam in enumerate(self.adams):
                adam.learning_rate = rates[number]
            with tf.GradientTape() as tape:
                loss = cross_entropy(y, net(x, training=training))
            self.optimizer.apply(tape.gradient(loss, learning), learning)

        @tf.function
        def loop(x, y, batches, rates):
            for t in tf.range(len(batches)):
                step(tf.gather(x, batches[t]), tf.gather(y, batches[t]), rates)

        self.loop = loop
        self.logits = tf.function(lambda x: net(x, training=False), autograph=False)

    def train(self, data, batches, stages):
        """Take equal shares of the batches at the rates of each stage."""
        x, y = (tf.constant(array) for array in data)
        for rows, rates in zip(
            np.array_split(batches, len(stages)), stages, strict=True
        ):
            for variable in self.optimizer.variables:
                variable.assign(ops.zeros_like(variable))
            self.loop(x, y, tf.constant(rows), tf.constant(rates, "float32"))


def rates_of(method, rate, num_layers, decay):
    """Rates of the layers, from the output down, for each stage."""
    one, number = np.full(num_layers, rate), np.arange(num_layers)
    if method == "gradual":
        return [one * (number < most) for most in (1, 2, num_layers)]
    return [
        {"head": one * (number < 1), "discriminative": rate * decay**number}.get(
            method, one
        )
    ]


@functools.cache
def trainer(name, kind, rank):
    """The compiled trainer of a kind of methods; three nets serve all."""
    net = task(name).build(seed=0)
    if kind == "lora":
        add_lora(net, rank)
    return Trainer(net, kind == "training")


def put(net, weights, seed):
    """Give a net these weights, and its low-rank changes their start."""
    rng, weights = np.random.default_rng(seed), iter(weights)
    for variable in net.weights:
        if not variable.name.startswith("lora_"):
            variable.assign(next(weights))
        elif variable.name.endswith("_a"):
            start = keras.initializers.HeUniform(seed=int(rng.integers(2**31)))
            variable.assign(start(variable.shape))
        else:
            variable.assign(ops.zeros(variable.shape))


def drawn(size, num_steps, batch_size, seed):
    """Rows of all batches: a new order each time all samples have been seen."""
    rng, count = np.random.default_rng(seed), num_steps * batch_size
    orders = [rng.permutation(size) for _ in range(-(-count // size))]
    return np.concatenate(orders)[:count].reshape(num_steps, batch_size)


@functools.cache
def first_weights(name, seed, num_steps, batch_size, rate):
    """Weights after the first training."""
    used = trainer(name, "training" if name == "digits" else "inference", 0)
    put(used.net, task(name).build(seed=seed).get_weights(), seed)
    x, y = task(name).first
    batches = drawn(len(x), num_steps, batch_size, seed)
    used.train((x, y), batches, rates_of("all", rate, len(used.adams), 1))
    return [np.array(w) for w in used.net.get_weights()]


def labelled(data, labels, seed):
    """As many samples of each class, drawn by seed; all if `labels` is None."""
    if labels is None:
        return data
    order = np.random.default_rng(seed).permutation(len(data[1]))
    y = data[1][order]
    rows = np.concatenate([order[y == k][:labels] for k in range(10)])
    return data[0][rows], data[1][rows]


def measured(name, method, labels, rate, seed, part, settings):
    """What each sample of a part yields after a training; rate None: before it."""
    digits, rank = name == "digits", settings["rank"]
    kind = "lora" if method == "lora" else "inference"
    if digits and method in ("scratch", "batch_norm"):
        kind = "training"
    batch_size = settings["batch_sizes"][name]
    first = settings["first_steps"][name], batch_size, settings["first_rates"][name]
    weights = first_weights(name, seed, *first)
    if method == "scratch":
        weights = task(name).build(seed=seed + 1000).get_weights()
    used = trainer(name, kind, rank if kind == "lora" else 0)
    put(used.net, weights, seed)
    if rate is not None:
        data = labelled(task(name).parts["train"], labels, seed)
        batches = drawn(len(data[0]), settings["num_steps"][name], batch_size, seed)
        stages = rates_of(method, rate, len(used.adams), settings["decay"])
        used.train(data, batches, stages)
    x, y = task(name).parts[part]
    found = task(name).right(used.logits(tf.constant(x)).numpy(), y)
    return np.where(np.isfinite(found), found, -99.0)


CHOSEN: dict[tuple, tuple] = {}


def chosen(name, method, labels, settings):
    """Return the best rate, and the validation figure of each rate."""
    key = name, method, labels
    if key not in CHOSEN:
        tried = [
            np.mean(
                [
                    measured(name, method, labels, rate, seed, "val", settings).mean()
                    for seed in settings["choosing_seeds"]
                ]
            )
            for rate in settings["learning_rates"]
        ]
        best = settings["learning_rates"][int(np.argmax(tried))]
        CHOSEN[key] = best, [round(float(value), 4) for value in tried]
    return CHOSEN[key]


def run(seed: int, **settings) -> dict:
    """Chosen rates; whether each of the test images is right; bits per byte."""
    figures = {}
    before = measured("digits", "all", None, None, seed, "test", settings)
    figures["digits_before"] = float(before.mean())
    for labels in settings["labels"]:
        for method in DIGITS:
            rate, tried = chosen("digits", method, labels, settings)
            found = measured("digits", method, labels, rate, seed, "test", settings)
            key = f"digits_{labels}_{method}"
            figures[f"{key}_rate"], figures[f"{key}_validation"] = rate, tried
            figures[f"{key}_test"] = float(found.mean())
            figures[f"{key}_right"] = "".join(str(int(value)) for value in found)
    before = measured("text", "all", None, None, seed, "test", settings)
    figures["text_before"] = -float(before.mean())
    for method in TEXTS:
        rate, tried = chosen("text", method, None, settings)
        found = measured("text", method, None, rate, seed, "test", settings)
        figures[f"text_{method}_rate"], figures[f"text_{method}_validation"] = (
            rate,
            tried,
        )
        figures[f"text_{method}_test"] = -float(found.mean())
    return figures
