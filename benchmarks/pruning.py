"""Pruning in equal budgets: when, how gradually, across layers, and against small nets.

LeNet-300-100 on `mnist5k`: half of the steps train the dense net; the other half trains
on without pruning, or prunes. "one shot" prunes at once and retrains; "cubic" and
"linear" raise the sparsity ten times at equal distances, the last time after 450 of
these 800 steps. For each sparsity every method tries the same learning rates for its
second half on the validation data, with three seeds of their own; rates fall to zero
in a straight line. Small dense nets have as many parameters as a pruned net has nonzero
ones, and take all steps; each tries the same rates for both halves, with two hidden
layers and with one. The byte transformer is pruned by the cubic, with rates chosen
likewise.

Lottery tickets: a perceptron on `mnist1d` trains, loses a fifth of what is left, goes
back to its first weights, and so on. The whole net chose the learning rate.

Each part has a child process with Keras on JAX, which compiles its steps once: masks
are an argument, made between blocks of steps by `magnitude_mask`.
"""

import functools
import json
import os
import subprocess
import sys

import numpy as np

SETTINGS = {
    "num_steps": 800,  # of each half
    "num_updates": 16,
    "batch_size": 32,
    "learning_rates": [0.001, 0.002, 0.004, 0.008, 0.016],
    "choosing_seeds": [100, 101, 102],
    "sparsities": [0.8, 0.9, 0.95, 0.98],
    "small_units": {
        "0.9": [[34, 11], [34]],
        "0.95": [[17, 6], [17]],
        "0.98": [[7, 2], [7]],
    },
    "transformer_sparsities": [0.5, 0.8, 0.9],
    "ticket_units": [500],
    "ticket_rounds": 12,
    "ticket_steps": 500,
}
SEEDS = (0, 1, 2, 3, 4)
METHODS = {  # scope, schedule's exponent; None: all at once
    "one_shot_layer": ("layer", None),
    "one_shot_global": ("global", None),
    "cubic_layer": ("layer", 3),
    "cubic_global": ("global", 3),
    "linear_global": ("global", 1),
}
PARTS = ("tickets", "transformer", "lenet")
CHOSEN: dict = {}  # learning rates and shapes, found once a process


def run(seed: int, **settings) -> dict:
    """Errors in percent, bits per byte, and chosen rates."""
    if not CHOSEN:
        CHOSEN.update(child("choose", settings["choosing_seeds"][0], settings))
    settings, figures = {**settings, "chosen": CHOSEN}, {"chosen": CHOSEN}
    for part in PARTS:
        figures |= child(part, seed, settings)
    return figures


def child(part: str, seed: int, settings: dict) -> dict:
    """What a part returns in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, part, str(seed), json.dumps(settings)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{part}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


class Trainer:
    """A net whose training steps, with masks, are one compiled function."""

    def __init__(self, net, data, batch_size, error):
        import jax
        import keras

        self.net, self.data, self.error = net, data, error
        self.batch_size = batch_size
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(net.trainable_variables)
        self.is_kernel = [len(v.shape) > 1 for v in net.trainable_variables]
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        x, y = (jax.numpy.asarray(array) for array in data["train"])
        rate_at = next(
            k for k, v in enumerate(self.optimizer.variables) if "learning" in v.name
        )
        others = [v.value for v in net.non_trainable_variables]

        def step(carry, inputs):
            weights, slots, masks = carry
            rows, rate = inputs

            def value(weights):
                logits, _ = net.stateless_call(weights, others, x[rows], training=True)
                return loss(y[rows], logits)

            slots = [*slots[:rate_at], rate, *slots[rate_at + 1 :]]
            gradient = jax.grad(value)(weights)
            weights, slots = self.optimizer.stateless_apply(slots, gradient, weights)
            weights = [w * m for w, m in zip(weights, masks, strict=True)]
            return (weights, slots, masks), None

        @jax.jit
        def block(weights, slots, masks, rows, rates):
            carry, _ = jax.lax.scan(step, (weights, slots, masks), (rows, rates))
            return carry[:2]

        self.block = block
        self.forward = jax.jit(lambda w, x: net.stateless_call(w, others, x)[0])

    def start(self, weights):
        """State before the first step."""
        slots = [np.zeros(v.shape, v.dtype) for v in self.optimizer.variables]
        return [np.asarray(w) for w in weights], slots

    def train(self, state, seed, rates, num_blocks, masks_at=None):
        """Train; `masks_at(k, weights)` gives the masks before block k, or None."""
        rng = np.random.default_rng(seed)
        size = len(self.data["train"][0])
        shape = (len(rates), self.batch_size)
        rows = rng.integers(size, size=shape).astype("int32")
        rates = np.asarray(rates, "float32")
        weights, slots = state
        masks = [np.ones(w.shape, "float32") for w in weights]
        for k, (r, rate) in enumerate(
            zip(np.split(rows, num_blocks), np.split(rates, num_blocks), strict=True)
        ):
            new = masks_at(k, weights) if masks_at else None
            masks = masks if new is None else new
            weights = [w * m for w, m in zip(weights, masks, strict=True)]
            weights, slots = self.block(weights, slots, masks, r, rate)
        return [np.asarray(w) for w in weights], slots

    def masks(self, weights, sparsity, scope):
        """Masks of the kernels; ones for all else."""
        from aiarch.structure import magnitude_mask

        kernels = [
            np.asarray(w) for w, k in zip(weights, self.is_kernel, strict=True) if k
        ]
        found = iter(magnitude_mask(kernels, sparsity, scope=scope))
        return [
            next(found).astype("float32") if kernel else np.ones(w.shape, "float32")
            for w, kernel in zip(weights, self.is_kernel, strict=True)
        ]

    def measure(self, weights, part="test"):
        """The error on a part of the data."""
        x, y = self.data[part]
        return self.error(np.asarray(self.forward(weights, x), "float64"), y)


def parts_of(data, length=None):
    """Arrays of the three parts, sequences cut to a length."""
    cut = (slice(None),) if length is None else (slice(None), slice(length))
    return {
        part: (getattr(data, f"x_{part}")[cut], getattr(data, f"y_{part}")[cut])
        for part in ("train", "val", "test")
    }


def percent_wrong(logits, y):
    """Share of wrong answers in percent."""
    return 100 * float((logits.argmax(axis=-1) != y).mean())


def bits_per_byte(logits, y):
    """Mean cross-entropy in bits."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    right = np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    return float(np.mean(np.log(np.exp(logits).sum(axis=-1)) - right) / np.log(2))


def pruner(trainer, method, sparsity, num_updates):
    """The masks of a method before each block of steps."""
    from aiarch.structure import PolynomialSchedule

    scope, power = METHODS[method]
    last = num_updates * 2 // 3
    schedule = PolynomialSchedule(0.0, sparsity, 0, last, power or 1)

    def masks_at(k, weights):
        if power is None:
            return trainer.masks(weights, sparsity, scope) if k == 0 else None
        if k >= last:
            return trainer.masks(weights, sparsity, scope) if k == last else None
        # Spread over the blocks, the first with some pruning already.
        return trainer.masks(weights, schedule(k + 1), scope)

    return masks_at


def falling(rate, num_steps):
    """A rate that falls to zero in a straight line."""
    return rate * (1 - np.arange(num_steps) / num_steps)


def lenet_runs(settings):
    """The net, the base of a seed, and a function that finishes a training."""
    from aiarch.foundations import lenet_300_100, load_dataset, mlp

    data = parts_of(load_dataset("mnist5k"))
    trainer = Trainer(lenet_300_100(), data, settings["batch_size"], percent_wrong)
    num_steps, blocks = settings["num_steps"], settings["num_updates"]

    @functools.cache
    def base(seed):
        start = trainer.start(lenet_300_100(seed=seed).get_weights())
        return trainer.train(start, seed, np.full(num_steps, 1e-3), blocks)

    def finish(seed, method, sparsity, rate, *parts):
        masks_at = None
        if method != "dense":
            masks_at = pruner(trainer, method, sparsity, blocks)
        rates = falling(rate, num_steps)
        weights, _ = trainer.train(base(seed), seed + 1000, rates, blocks, masks_at)
        kernels = [w for w, k in zip(weights, trainer.is_kernel, strict=True) if k]
        zeros = sum(int((w == 0).sum()) for w in kernels)
        wanted = 0 if method == "dense" else sparsity * sum(w.size for w in kernels)
        if abs(zeros - wanted) > len(kernels) / 2 + 1:
            raise RuntimeError(f"{method}: {zeros} zeros, wanted {wanted}")
        return [trainer.measure(weights, part) for part in parts]

    def small(seed, units, rate, part):
        net = mlp(hidden_units=units, seed=seed)
        small = Trainer(net, data, settings["batch_size"], percent_wrong)
        rates = np.concatenate([np.full(num_steps, rate), falling(rate, num_steps)])
        state = small.start(net.get_weights())
        weights, _ = small.train(state, seed, rates, 2 * blocks)
        return small.measure(weights, part), sum(w.size for w in weights)

    return trainer, base, finish, small


def choose(first_seed, settings):
    """What has the lowest validation error: rates, and shapes of small nets.

    On LeNet the mean of all choosing seeds decides; elsewhere the first of them.
    """
    _, _, finish, small = lenet_runs(settings)
    rates, chosen = settings["learning_rates"], {}

    def best(choices, error, seeds=settings["choosing_seeds"]):
        return min(choices, key=lambda c: sum(error(seed, c) for seed in seeds))

    def finished(seed, rate, method, sparsity):
        return finish(seed, method, sparsity, rate, "val")[0]

    cases = [(method, s) for s in settings["sparsities"] for method in METHODS]
    for method, sparsity in cases:
        error = functools.partial(finished, method=method, sparsity=sparsity)
        chosen[f"{method}_{sparsity}"] = best(rates, error)
    error = functools.partial(finished, method="dense", sparsity=0)
    chosen["dense"] = best(rates, error)
    for sparsity, shapes in settings["small_units"].items():
        pairs = [(units, rate) for units in shapes for rate in rates]
        error = lambda seed, pair: small(seed, *pair, "val")[0]  # noqa: E731
        chosen[f"small_{sparsity}"] = best(pairs, error)
    trainer, start, _, whole = ticket_runs(first_seed, settings)
    chosen["ticket"] = best(
        rates, lambda _, rate: trainer.measure(whole(start, rate), "val"), [first_seed]
    )
    train = transformer_runs(settings)
    for sparsity in (0.0, *settings["transformer_sparsities"]):
        chosen[f"transformer_{sparsity}"] = best(
            rates, lambda seed, r, s=sparsity: train(seed, s, r, "val"), [first_seed]
        )
    return chosen


def lenet(seed, settings):
    """Error of every method at every sparsity, and of small dense nets."""
    trainer, base, finish, small = lenet_runs(settings)
    chosen, parts = settings["chosen"], ("test", "train")
    figures = {}
    figures["dense"], figures["dense_train"] = finish(
        seed, "dense", 0, chosen["dense"], *parts
    )
    for sparsity in settings["sparsities"]:
        for scope in ("layer", "global"):
            weights = base(seed)[0]
            masks = trainer.masks(weights, sparsity, scope)
            pruned = [w * m for w, m in zip(weights, masks, strict=True)]
            figures[f"unretrained_{scope}_{sparsity}"] = trainer.measure(pruned)
        for method in METHODS:
            name = f"{method}_{sparsity}"
            figures[name], figures[f"{name}_train"] = finish(
                seed, method, sparsity, chosen[name], *parts
            )
    for sparsity in settings["small_units"]:
        name = f"small_{sparsity}"
        units, rate = chosen[name]
        figures[name], size = small(seed, units, rate, "test")
        figures[f"{name}_parameters"] = size
        figures[f"{name}_nonzero_of_pruned"] = sum(
            round((1 - float(sparsity)) * w.size) if kernel else w.size
            for w, kernel in zip(base(seed)[0], trainer.is_kernel, strict=True)
        )
    return {f"lenet_{name}": value for name, value in figures.items()}


def transformer_runs(settings):
    """A function that trains the transformer, prunes it and measures it."""
    from aiarch.foundations import byte_transformer, load_dataset

    build = functools.partial(byte_transformer, 64, width=32, num_blocks=1, num_heads=2)
    data = parts_of(load_dataset("topics"), 64)
    data = {part: tuple(a[:400] for a in data[part]) for part in ("val", "test")} | {
        "train": data["train"]
    }
    net = build()
    trainer = Trainer(net, data, 16, bits_per_byte)
    trainer.is_kernel = [
        v.name in ("kernel", "embeddings") for v in net.trainable_variables
    ]
    num_steps, blocks = settings["num_steps"], settings["num_updates"]

    @functools.cache
    def base(seed):
        start = trainer.start(build(seed=seed).get_weights())
        return trainer.train(start, seed, np.full(num_steps, 3e-3), blocks)

    def train(seed, sparsity, rate, part):
        masks_at = pruner(trainer, "cubic_global", sparsity, blocks)
        rates = falling(rate, num_steps)
        weights, _ = trainer.train(base(seed), seed + 1000, rates, blocks, masks_at)
        return trainer.measure(weights, part)

    return train


def transformer(seed, settings):
    """Bits per byte of the pruned transformer."""
    train, figures = transformer_runs(settings), {}
    for sparsity in (0.0, *settings["transformer_sparsities"]):
        name = f"transformer_{sparsity}"
        figures[name] = train(seed, sparsity, settings["chosen"][name], "test")
    return figures


def ticket_runs(seed, settings):
    """A trainer of the perceptron, two first weights, and a function that trains."""
    from aiarch.foundations import load_dataset, mlp

    data = parts_of(load_dataset("mnist1d"))
    shape, units = data["train"][0].shape[1:], settings["ticket_units"]
    first, other = (mlp(shape, units, seed=s).get_weights() for s in (seed, seed + 500))
    trainer = Trainer(mlp(shape, units), data, 100, percent_wrong)

    def train(weights, rate, masks=None):
        masks = masks or [np.ones(w.shape, "float32") for w in weights]
        rates = falling(rate, settings["ticket_steps"])
        state = trainer.start(weights)
        return trainer.train(state, seed + 1000, rates, 1, lambda k, w: masks)[0]

    return trainer, first, other, train


def tickets(seed, settings):
    """Error of tickets and of their controls at each sparsity."""
    trainer, first, other, train = ticket_runs(seed, settings)
    rng, rate = np.random.default_rng(seed), settings["chosen"]["ticket"]
    masks, figures = None, {}
    for round_ in range(settings["ticket_rounds"] + 1):
        trained = train(first, rate, masks)
        figures[f"{round_}_ticket"] = trainer.measure(trained)
        if round_ and round_ % 4 == 0:
            replaced = train(other, rate, masks)
            figures[f"{round_}_reinitialised"] = trainer.measure(replaced)
            shuffled = [rng.permutation(m.ravel()).reshape(m.shape) for m in masks]
            figures[f"{round_}_random"] = trainer.measure(train(first, rate, shuffled))
        masks = trainer.masks(trained, 1 - 0.8 ** (round_ + 1), "global")
    return {f"tickets_{name}": value for name, value in figures.items()}


if __name__ == "__main__":
    part, seed, settings = sys.argv[1:]
    work = {
        "choose": choose,
        "lenet": lenet,
        "transformer": transformer,
        "tickets": tickets,
    }[part]
    print(json.dumps(work(int(seed), json.loads(settings))))
