"""Population-based training of rate and augmentation against what does not adapt.

The net is the convolutional one of mnist1d's authors (5,210 weights), trained by Adam
with batches of 100 and random shifts of the signals, in a circle. Three methods have
equal budgets: as many trainings of equal length, which begin with the same drawn pairs
of a learning rate and a largest shift.

- fixed: each pair is kept; random search, in other words;
- cosine: the rate is the peak of a cosine to zero after a warm-up over a tenth of the
  steps;
- population: population-based training, both numbers adapted after each round.

Of each method the member with the highest validation accuracy at the end is chosen, and
its test accuracy measured. Then what was chosen (for the population: the schedules of
that member's lineage) is trained again from scratch with another seed.

Written in JAX with the convolutions as products of patches, which on a processor is
five times as fast as the convolutions of XLA.
"""

import functools
import os

# One thread: the products are small.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.stats

from aiarch.foundations import load_dataset
from aiarch.structure import population_based_training
from aiarch.training import Space
from aiarch.training.trials import proposal_rng

SETTINGS = {
    "population_size": 8,
    "num_rounds": 20,
    "epochs_a_round": 2,
    "lowest_rate": 1e-4,
    "highest_rate": 1e-1,
    "most_shift": 8.0,
}
SEEDS = (0, 1, 2, 3, 4, 5, 6, 7)
BATCH = 100
ADAM = optax.scale_by_adam()


@functools.cache
def data():
    """Signals of shape (n, 40) and labels, by part."""
    known = load_dataset("mnist1d")
    return {
        part: (
            jnp.asarray(getattr(known, f"x_{part}").reshape(-1, 40)),
            jnp.asarray(getattr(known, f"y_{part}")),
        )
        for part in ("train", "val", "test")
    }


def initial_weights(seed):
    """Kernels by Glorot's rule and biases of zero, as Keras would have them."""
    rng, weights = np.random.default_rng(seed), []
    for shape in ((5, 1, 25), (3, 25, 25), (3, 25, 25), (125, 10)):
        reach = np.prod(shape[:-2], dtype=int)
        limit = np.sqrt(6 / (reach * (shape[-2] + shape[-1])))
        kernel = rng.uniform(-limit, limit, shape).astype(np.float32)
        weights.append((jnp.asarray(kernel), jnp.zeros(shape[-1])))
    return weights


def logits(weights, x):
    """The authors' net: three convolutions of stride two, and a dense layer."""
    x = x[..., None]
    for kernel, bias in weights[:3]:
        size = kernel.shape[0]
        x = jnp.pad(x, ((0, 0), (1, 1), (0, 0)))
        count = (x.shape[1] - size) // 2 + 1
        patches = [x[:, k : k + 2 * count - 1 : 2] for k in range(size)]
        patches = jnp.concatenate(patches, axis=-1)
        x = jax.nn.relu(patches @ kernel.reshape(-1, kernel.shape[-1]) + bias)
    kernel, bias = weights[3]
    return x.reshape(len(x), -1) @ kernel + bias


def mean_loss(weights, x, y):
    """Mean cross-entropy."""
    return optax.softmax_cross_entropy_with_integer_labels(logits(weights, x), y).mean()


@jax.jit
def steps(weights, slots, rows, rates, shift, key):
    """One step for each row of `rows`, with its rate."""
    x, y = data()["train"]

    def step(carry, given):
        weights, slots, key = carry
        rows, rate = given
        key, own = jax.random.split(key)
        moves = jax.random.uniform(own, (BATCH, 1), minval=-shift, maxval=shift)
        places = (jnp.arange(40) - jnp.round(moves).astype(int)) % 40
        batch = jnp.take_along_axis(x[rows], places, axis=1)
        gradient = jax.grad(mean_loss)(weights, batch, y[rows])
        change, slots = ADAM.update(gradient, slots)
        weights = jax.tree.map(lambda w, c: w - rate * c, weights, change)
        return (weights, slots, key), None

    (weights, slots, _), _ = jax.lax.scan(step, (weights, slots, key), (rows, rates))
    return weights, slots


@functools.partial(jax.jit, static_argnames="part")
def correct(weights, part):
    """Share of right answers."""
    x, y = data()[part]
    return (logits(weights, x).argmax(axis=1) == y).mean()


def cosine(step, total):
    """Share of the peak: a warm-up over a tenth of all steps, then a cosine to zero."""
    begin = total // 10
    fallen = 0.5 * (1 + np.cos(np.pi * (step - begin) / (total - begin)))
    return np.where(step < begin, (step + 1) / begin, fallen)


def train(state, hyperparameters, seed, *, epochs, total_epochs, anneal=False):
    """One round: a new state and the validation accuracy."""
    if state is None:
        weights = initial_weights(seed)
        state = weights, ADAM.init(weights), 0
    weights, slots, before = state
    count = len(data()["train"][0])
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(count)[: count // BATCH * BATCH] for _ in range(epochs)]
    rows = np.concatenate(rows).reshape(-1, BATCH)
    rates = np.full(len(rows), hyperparameters["learning_rate"])
    if anneal:
        total = len(rows) * total_epochs // epochs
        rates = rates * cosine(before + np.arange(len(rows)), total)
    weights, slots = steps(
        weights,
        slots,
        jnp.asarray(rows),
        jnp.asarray(rates, dtype=jnp.float32),
        jnp.float32(hyperparameters["shift"]),
        jax.random.key(seed),
    )
    state = jax.tree.map(np.asarray, (weights, slots)) + (before + len(rows),)
    return state, float(correct(weights, "val"))


def run(seed, population_size, num_rounds, epochs_a_round, **limits):
    """Accuracies of the methods, the discovered schedules, and where all came from."""
    rates = scipy.stats.loguniform(limits["lowest_rate"], limits["highest_rate"])
    space = Space(
        {
            "learning_rate": rates,
            "shift": scipy.stats.uniform(0, limits["most_shift"]),
        }
    )
    rng = proposal_rng(seed, 0)
    drawn = [space.draw(rng) for _ in range(population_size)]
    total = num_rounds * epochs_a_round
    one_round = functools.partial(train, epochs=epochs_a_round, total_epochs=total)
    annealed = functools.partial(one_round, anneal=True)
    still = {"exploit": None, "explore": None}
    methods = {
        "fixed": (one_round, still),
        "cosine": (annealed, still),
        "population": (one_round, {}),
    }
    figures = {"start": drawn}
    for name, (function, rules) in methods.items():
        found = population_based_training(
            space,
            function,
            population_size=population_size,
            num_rounds=num_rounds,
            seed=seed,
            start=drawn,
            **rules,
        )
        chosen = found.best
        figures[f"{name}_val"] = chosen.value
        weights = found.states[chosen.member][0]
        figures[f"{name}_test"] = float(correct(weights, "test"))
        figures[f"{name}_scores"] = found.scores.tolist()
        figures[f"{name}_member"] = chosen.member
        for value in ("learning_rate", "shift"):
            figures[f"{name}_{value}"] = found.schedule(value)
        state = None  # what was chosen, from scratch
        for number, stage in enumerate(found.lineage()):
            own = 10_000 + 100 * seed + number
            state, value = function(state, stage.hyperparameters, own)
        figures[f"{name}_again_val"] = value
        figures[f"{name}_again_test"] = float(correct(state[0], "test"))
        if name == "population":
            for value in ("learning_rate", "shift"):
                figures[f"member_{value}"] = [
                    [stage.hyperparameters[value] for stage in stages]
                    for stages in found.rounds
                ]
            figures["parents"] = [
                [stage.parent for stage in stages] for stages in found.rounds
            ]
    return figures
