"""Size and speed of a model: parameters, bytes on disk, latency.

Chapter: foundations/measuring
"""

import gc
import gzip as gzip_module
import io
import math
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_CONTAINERS = ("keras", "npz", "raw")


@dataclass(frozen=True)
class Latency:
    """Percentiles of the time of one call, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    repeats: int
    warmup: int
    times_ms: tuple[float, ...] = field(repr=False)

    def throughput(self, batch_size: int = 1) -> float:
        """Samples per second when calls of `batch_size` follow one another.

        Args:
            batch_size: samples in one call, at least 1.

        Returns:
            `batch_size` divided by the mean time of a call.

        Raises:
            ValueError: if `batch_size` is below 1.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        return 1000.0 * batch_size / self.mean_ms


def count_parameters(model: Any, trainable_only: bool = False) -> int:
    """Count the numbers that a model stores as weights.

    Running statistics of normalization layers count; states of random generators
    and of the optimizer do not.

    Args:
        model: a built Keras model or layer.
        trainable_only: count only what gradients change.

    Returns:
        The number of parameters.

    Raises:
        ValueError: if the model has not been built.

    Example:
        >>> from aiarch.foundations import count_parameters, lenet_300_100
        >>> count_parameters(lenet_300_100())
        266610
    """
    weights = _weights(model)
    if trainable_only:
        weights = model.trainable_weights
    return sum(math.prod(weight.shape) for weight in weights)


def size_bytes(
    model: Any,
    container: str = "keras",
    *,
    gzip: bool = False,
    optimizer: bool = False,
) -> int:
    """Measure how many bytes a model takes as a file.

    | container | holds |
    |---|---|
    | `"keras"` | what `model.save("model.keras")` writes: architecture and weights |
    | `"npz"` | what `numpy.savez` writes: one array a weight, with a header each |
    | `"raw"` | the weights end to end, nothing else |

    Args:
        model: a built Keras model, or the path of a file that exists already, such
            as an exported one; then `container` is not used.
        container: the kind of file.
        gzip: measure the file after gzip at its highest level.
        optimizer: keep the optimizer's state, which training needs to go on. The
            default leaves it out, as for a model that is only used.

    Returns:
        The size in bytes.

    Raises:
        ValueError: if the model is not built, the container is unknown, or the
            optimizer's state is asked for where there is none.
        FileNotFoundError: if `model` is a path and no file is there.

    Example:
        >>> from aiarch.foundations import lenet_300_100, size_bytes
        >>> size_bytes(lenet_300_100(), "raw")
        1066440
    """
    if isinstance(model, str | os.PathLike):
        if not Path(model).is_file():
            raise FileNotFoundError(
                f"model is the path {str(model)!r}, where no file is; export first."
            )
        content = Path(model).read_bytes()
    elif container not in _CONTAINERS:
        raise ValueError(
            f"container must be one of {', '.join(_CONTAINERS)}, got {container!r}; "
            "for another format give the path of the file instead of the model."
        )
    else:
        variables = [*_weights(model), *(_optimizer_state(model) if optimizer else ())]
        content = _file_content(model, container, variables, optimizer)
    return len(gzip_module.compress(content, 9, mtime=0)) if gzip else len(content)


def measure_latency(
    function: Callable[..., Any], *inputs: Any, warmup: int = 10, repeats: int = 100
) -> Latency:
    """Time calls of a function, each until its result is really there.

    Frameworks return before the work is done. Every call is timed up to the moment
    when the result can be read, for arrays of JAX, tensors of TensorFlow and tensors
    of PyTorch on CPU, CUDA or MPS, also nested in lists, tuples and dictionaries.
    Other results are taken to be ready when the call returns. The first `warmup`
    calls, in which functions are traced and compiled and caches filled, are not
    counted; the garbage collector rests meanwhile.

    Args:
        function: what is timed, called as `function(*inputs)`.
        inputs: its arguments, made beforehand.
        warmup: calls that are not counted, at least 0.
        repeats: calls that are counted, at least 1. The p-th percentile says little
            below 5 / (1 − p / 100) repeats: 100 for p95, 500 for p99.

    Returns:
        A `Latency`. Percentiles interpolate linearly between ordered times.

    Raises:
        ValueError: if `repeats` or `warmup` is too small.
        TypeError: if `function` cannot be called.

    Example:
        >>> from aiarch.foundations import measure_latency
        >>> latency = measure_latency(sum, [1, 2, 3], repeats=20)
        >>> latency.p50_ms <= latency.p95_ms <= latency.p99_ms
        True
    """
    if not callable(function):
        raise TypeError(
            f"function must be callable, got {type(function).__name__}; give the "
            "function itself and its arguments after it."
        )
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}.")
    if warmup < 0:
        raise ValueError(f"warmup must be at least 0, got {warmup}.")
    for _ in range(warmup):
        _wait(function(*inputs))
    times = np.empty(repeats)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for i in range(repeats):
            start = time.perf_counter_ns()
            _wait(function(*inputs))
            times[i] = time.perf_counter_ns() - start
    finally:
        if collecting:
            gc.enable()
    times /= 1e6
    p50, p95, p99 = np.percentile(times, (50, 95, 99))
    return Latency(
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        mean_ms=float(times.mean()),
        min_ms=float(times.min()),
        repeats=repeats,
        warmup=warmup,
        times_ms=tuple(times.tolist()),
    )


def _wait(result: Any) -> None:
    """Return once every array in a result, however nested, can be read."""
    if isinstance(result, dict):
        result = tuple(result.values())
    if isinstance(result, list | tuple):
        for part in result:
            _wait(part)
    elif hasattr(result, "block_until_ready"):  # JAX
        result.block_until_ready()
    elif getattr(result, "is_cuda", False):  # PyTorch; on a CPU it does not run ahead
        import torch

        torch.cuda.synchronize(result.device)
    elif getattr(result, "is_mps", False):  # PyTorch on Apple's GPU
        import torch

        torch.mps.synchronize()
    elif type(result).__module__.startswith("tensorflow") and hasattr(result, "numpy"):
        result.numpy()


def _weights(model: Any) -> list:
    if not getattr(model, "built", False):
        raise ValueError(
            f"model must be built before it is measured, got an unbuilt "
            f"{type(model).__name__}; call it on one batch, or model.build(shape)."
        )
    return list(model.weights)


def _optimizer_state(model: Any) -> list:
    state = getattr(model, "optimizer", None)
    if state is None or not state.built:
        raise ValueError(
            "optimizer=True needs a model whose optimizer has state, but this one has "
            "none yet; compile it and train it for one step first."
        )
    return list(state.variables)


def _file_content(model: Any, container: str, variables: list, optimizer: bool):
    if container == "keras":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            (model if optimizer else _uncompiled(model)).save(path)
            return path.read_bytes()
    arrays = [np.asarray(_to_numpy(variable)) for variable in variables]
    if container == "raw":
        return b"".join(array.tobytes() for array in arrays)
    stream = io.BytesIO()
    np.savez(stream, *arrays)
    return stream.getvalue()


def _uncompiled(model: Any) -> Any:
    # `save(include_optimizer=False)` is ignored for `.keras` files (Keras 3.15).
    if not getattr(model, "compiled", False):
        return model
    copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    return copy


def _to_numpy(variable: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(variable)
