"""Time of a pruned training step beside a plain one: forward, backward and update.

A net of three square dense layers takes steps of Adam on batches of 128. Both steps
take turns in one process, and the ratio is the median of the turns' ratios. An update
of the masks is timed apart; with its share at one update in `frequency` steps the ratio
is `with_updates`. Each way has processes of its own, since where arrays come to lie in
memory can change a ratio; their medians are the figures.
"""

import json
import math
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

SETTINGS = {
    "num_parameters": [100_000, 1_000_000, 10_000_000],
    "ways": ["tensorflow_graph", "tensorflow_xla", "jax"],
    "batch_size": 128,
    "frequency": 100,
    "processes": 5,
    "repeats": 21,
    "num_updates": 3,
    "block_ms": 30.0,
}
SEEDS = (0,)


def run(seed: int, **settings) -> dict:
    """Milliseconds a step, plain and pruned, of an update, and ratios."""
    figures = {}
    for way in settings["ways"]:
        found = [in_process(way, seed, settings) for _ in range(settings["processes"])]
        figures |= {key: median(one[key] for one in found) for key in found[0]}
    for kind in ("ratio", "with_updates"):
        found = [value for name, value in figures.items() if name.endswith(f"_{kind}")]
        figures[f"largest_{kind}"] = max(found)
    return figures


def in_process(way: str, seed: int, settings: dict) -> dict:
    """What `measure` finds in a new process."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": way.split("_")[0],
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    child = subprocess.run(
        [sys.executable, __file__, way, str(seed), json.dumps(settings)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if child.returncode:
        raise RuntimeError(f"{way}: {child.stderr[-2000:]}")
    return json.loads(child.stdout.splitlines()[-1])


def measure(way: str, seed: int, settings: dict) -> dict:
    """Figures of one way, in this process."""
    in_turn = runpy.run_path(str(Path(__file__).with_name("optimizers.py")))["in_turn"]
    figures = {}
    for size in settings["num_parameters"]:
        calls = [
            compiled(way, size, settings["batch_size"], seed, steps)
            for steps in (None, [10**6], list(range(1, 100)))
        ]
        plain, pruned = in_turn(calls[:2], settings["repeats"], settings["block_ms"])
        calls[2]()
        updates = []
        for _ in range(settings["num_updates"]):
            begin = time.perf_counter()
            calls[2]()
            updates.append(1e3 * (time.perf_counter() - begin))
        key = f"{way}_{size}"
        ratio = median(b / a for a, b in zip(plain, pruned, strict=True))
        extra = max(0.0, median(updates) - median(pruned)) / settings["frequency"]
        figures[f"{key}_plain_ms"] = median(plain)
        figures[f"{key}_pruned_ms"] = median(pruned)
        figures[f"{key}_update_ms"] = median(updates)
        figures[f"{key}_ratio"] = ratio
        figures[f"{key}_with_updates"] = ratio + extra / median(plain)
    return figures


def compiled(way: str, size: int, batch_size: int, seed: int, steps: list | None):
    """A function without arguments that takes one step and waits for it."""
    import keras
    import numpy as np

    from aiarch.structure import MaskedOptimizer

    keras.utils.set_random_seed(seed)
    width, rng = round(math.sqrt(size / 3)), np.random.default_rng(seed)
    layers = [keras.layers.Dense(width, activation="relu") for _ in range(3)]
    net = keras.Sequential([keras.Input((width,)), *layers])
    x = keras.ops.convert_to_tensor(rng.normal(size=(batch_size, width)), "float32")
    weights, optimizer = net.trainable_variables, keras.optimizers.Adam()
    if steps is not None:
        targets = [(k, 1) for k, v in enumerate(weights) if v.name == "kernel"]
        sparsities = [0.5 + 0.4 * k / len(steps) for k in range(len(steps))]
        optimizer = MaskedOptimizer(optimizer, targets, steps, sparsities)
    optimizer.build(weights)
    if way == "jax":
        import jax

        def loss(values):
            outputs, _ = net.stateless_call(values, [], x)
            return keras.ops.mean(keras.ops.square(outputs - x))

        def step(values, slots):
            return optimizer.stateless_apply(slots, jax.grad(loss)(values), values)

        step = jax.jit(step, donate_argnums=(0, 1))
        slots = [jax.numpy.array(v.value) for v in optimizer.variables]
        state = [([jax.numpy.array(v.value) for v in weights], slots)]

        def call() -> None:
            state[0] = jax.block_until_ready(step(*state[0]))

        return call
    import tensorflow as tf

    @tf.function(jit_compile=way == "tensorflow_xla")
    def step():
        with tf.GradientTape() as tape:
            loss = keras.ops.mean(keras.ops.square(net(x) - x))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return lambda: step().numpy()


if __name__ == "__main__":
    way, seed, settings = sys.argv[1:]
    print(json.dumps(measure(way, int(seed), json.loads(settings))))
