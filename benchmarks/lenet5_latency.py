"""Latency of LeNet-5 on one image and on a batch, by way of calling it.

The same weights are called eagerly, as a graph, and compiled by XLA. Each way runs in
turn in one process, so that their ratios are taken on the same machine in the same
minute. TensorFlow only.
"""

import keras
import tensorflow as tf

from aiarch.foundations import lenet5, measure_latency

SETTINGS = {"batch_sizes": [1, 32], "warmup": 50, "repeats": 500}
SEEDS = (0, 1, 2, 3, 4)


def run(seed: int, batch_sizes: list[int], warmup: int, repeats: int) -> dict:
    """Median and 95th percentile of each way in milliseconds, and ratios."""
    model = lenet5(seed=seed)
    ways = {
        "eager": lambda x: model(x, training=False),
        "graph": tf.function(lambda x: model(x, training=False)),
        "xla": tf.function(lambda x: model(x, training=False), jit_compile=True),
    }
    figures = {}
    for size in batch_sizes:
        x = keras.random.uniform((size, 28, 28, 1), seed=seed)
        for way, call in ways.items():
            latency = measure_latency(call, x, warmup=warmup, repeats=repeats)
            figures[f"{way}_batch_{size}_p50_ms"] = latency.p50_ms
            figures[f"{way}_batch_{size}_p95_ms"] = latency.p95_ms
        for way in ("graph", "xla"):
            ratio = (
                figures[f"eager_batch_{size}_p50_ms"]
                / figures[f"{way}_batch_{size}_p50_ms"]
            )
            figures[f"eager_over_{way}_batch_{size}"] = ratio
    return figures
