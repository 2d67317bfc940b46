"""Time of one step of each Keras optimizer, the package's against Keras's own.

What is timed is the compiled step of the optimizer alone, without forward and backward
pass, which would hide a difference. Both optimizers step in turn in one process, and
the ratio is the median of the turns' ratios. Each backend has a process of its own. The
state is counted in bytes beside the learning rate and the step counter.
"""

import json
import math
import os
import subprocess
import sys
import time
from statistics import median

SETTINGS = {
    "names": ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW", "Lion"],
    "num_parameters": [10_000, 100_000, 1_000_000, 10_000_000],
    "ways": ["tensorflow_graph", "tensorflow_xla", "jax"],
    "num_arrays": 4,
    "repeats": 41,
    "block_ms": 4.0,
}
SEEDS = (0, 1, 2, 3, 4)
OWN = {"SGD": {"momentum": 0.9}}  # without momentum it has no state


def run(seed: int, **settings) -> dict:
    """Milliseconds a step, ratios ours over Keras's, and bytes of state a parameter."""
    figures = {}
    for way in settings["ways"]:
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
        figures |= json.loads(child.stdout.splitlines()[-1])
    ratios = [value for name, value in figures.items() if name.endswith("_ratio")]
    return {**figures, "median_of_ratios": median(ratios), "largest": max(ratios)}


def measure(way: str, seed: int, settings: dict) -> dict:
    """Figures of one way, in this process."""
    import keras

    from aiarch import optimizers

    figures = {}
    for size in settings["num_parameters"]:
        for name in settings["names"]:
            steps, state_bytes = [], []
            for family in (optimizers, keras.optimizers):
                optimizer = getattr(family, name)(**OWN.get(name, {}))
                step = compiled(way, optimizer, size, settings["num_arrays"], seed)
                steps.append(step)
                slots = [v for v in optimizer.variables if v.shape != ()]
                state_bytes.append(sum(4 * math.prod(v.shape) for v in slots))
            ours, theirs = in_turn(steps, settings["repeats"], settings["block_ms"])
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            key = f"{way}_{name.lower()}_{size}"
            figures[f"{key}_ours_ms"] = median(ours)
            figures[f"{key}_keras_ms"] = median(theirs)
            figures[f"{key}_ratio"] = median(ratios)
            if state_bytes[0] != state_bytes[1]:
                raise RuntimeError(f"{name}: {state_bytes} bytes of state differ")
            figures[f"state_bytes_{name.lower()}"] = state_bytes[0] / size
    return figures


def compiled(way: str, optimizer, size: int, num_arrays: int, seed: int):
    """A function without arguments that takes one step and waits for it."""
    import keras
    import numpy as np

    rng = np.random.default_rng(seed)
    shape = (size // num_arrays,)
    arrays = [rng.normal(size=shape).astype("float32") for _ in range(num_arrays)]
    weights = [keras.Variable(array) for array in arrays]
    gradients = [keras.ops.convert_to_tensor(array) for array in arrays]
    optimizer.build(weights)
    if way == "jax":
        import jax

        step = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
        slots = [v.value for v in optimizer.variables]
        state = [step(slots, gradients, [v.value for v in weights])]

        def call() -> None:
            weights, slots = state[0]
            state[0] = jax.block_until_ready(step(slots, gradients, weights))

        return call
    import tensorflow as tf

    return tf.function(
        lambda: optimizer.apply(gradients, weights),
        jit_compile=way == "tensorflow_xla",
    )


def in_turn(calls: list, repeats: int, block_ms: float) -> list[list[float]]:
    """Milliseconds of each call in each of the blocks that take turns."""
    counts = []
    for call in calls:
        call()
        call()
        begin = time.perf_counter()
        call()
        counts.append(max(1, round(block_ms / 1e3 / (time.perf_counter() - begin))))
    count, times = max(1, min(counts)), [[] for _ in calls]
    for turn in range(repeats):
        order = range(len(calls)) if turn % 2 else reversed(range(len(calls)))
        for k in order:
            begin = time.perf_counter()
            for _ in range(count):
                calls[k]()
            times[k].append(1e3 * (time.perf_counter() - begin) / count)
    return times


if __name__ == "__main__":
    way, seed, settings = sys.argv[1:]
    print(json.dumps(measure(way, int(seed), json.loads(settings))))
