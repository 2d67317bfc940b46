"""Parameters, bytes and latency, against counts and files made otherwise."""

import gc
import gzip
import time
import types
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiarch.foundations import (
    count_parameters,
    lenet5,
    measure_latency,
    mlp,
    size_bytes,
    small_resnet,
)


@pytest.fixture(scope="module")
def trained():
    model = mlp((12,), (8,), 3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(np.ones((4, 12)), np.zeros(4), verbose=0)
    return model


@pytest.mark.backend
@settings(max_examples=10, deadline=None)
@given(units=st.lists(st.integers(1, 9), max_size=3))
def test_parameters_equal_keras_count(units):
    model = mlp((5,), units, 4)
    assert count_parameters(model) == model.count_params()
    sizes = [5, *units, 4]
    by_hand = sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))
    assert count_parameters(model) == by_hand


def test_running_statistics_are_parameters_but_not_trainable():
    model = small_resnet()
    channels = 336
    by_gradient = count_parameters(model, trainable_only=True)
    assert count_parameters(model) - by_gradient == 2 * channels
    model.trainable = False
    assert count_parameters(model, trainable_only=True) == 0


def test_random_state_is_no_parameter():
    layers = [keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(2)]
    assert count_parameters(keras.Sequential(layers)) == 10


def test_raw_bytes(trained):
    count = count_parameters(trained)
    assert size_bytes(trained, "raw") == 4 * count
    # Adam keeps two moments, the step and the rate.
    raw = size_bytes(trained, "raw", optimizer=True)
    state = sum(np.asarray(variable).nbytes for variable in trained.optimizer.variables)
    assert raw == 4 * count + state
    assert 8 * count < state < 8 * count + 32


def test_half_precision_takes_half(trained):
    model = keras.Sequential(
        [keras.Input((12,)), keras.layers.Dense(3, dtype="float16")]
    )
    assert size_bytes(model, "raw") == 2 * 39


def test_keras_file(trained, tmp_path):
    trained.save(tmp_path / "with.keras")
    fresh = mlp((12,), (8,), 3)
    fresh.save(tmp_path / "without.keras")
    for optimizer, name in ((True, "with"), (False, "without")):
        file = tmp_path / f"{name}.keras"
        measured = size_bytes(trained, "keras", optimizer=optimizer)
        # Names of layers and a date are inside.
        assert abs(measured - file.stat().st_size) <= 128
        assert size_bytes(file) == file.stat().st_size
    assert size_bytes(trained, optimizer=True) > size_bytes(trained) + 1000
    assert trained.optimizer is not None  # measuring changes nothing


def test_keras_ignores_include_optimizer_for_its_own_files(trained, tmp_path):
    # When this fails, Keras has mended it, and the page must say so.
    for name, keep in (("with", True), ("without", False)):
        trained.save(tmp_path / f"{name}.keras", include_optimizer=keep)
    sizes = [
        (tmp_path / f"{name}.keras").stat().st_size for name in ("with", "without")
    ]
    assert abs(sizes[0] - sizes[1]) <= 64


def test_npz_file(trained, tmp_path):
    np.savez(tmp_path / "weights.npz", *trained.get_weights())
    assert size_bytes(trained, "npz") == (tmp_path / "weights.npz").stat().st_size
    with zipfile.ZipFile(tmp_path / "weights.npz") as archive:
        assert len(archive.namelist()) == 4


def test_gzip_is_what_gzip_writes(tmp_path):
    model = lenet5()
    model.set_weights([np.zeros(weight.shape) for weight in model.get_weights()])
    raw = b"".join(weight.tobytes() for weight in model.get_weights())
    with gzip.open(tmp_path / "raw.gz", "wb", compresslevel=9) as file:
        file.write(raw)
    written = (tmp_path / "raw.gz").stat().st_size
    measured = size_bytes(model, "raw", gzip=True)
    assert abs(measured - written) <= len("raw") + 1  # the name is in the header
    assert measured < 0.01 * size_bytes(model, "raw")
    (tmp_path / "raw").write_bytes(raw)
    assert size_bytes(tmp_path / "raw", gzip=True) == measured


def test_bad_models_and_containers_are_refused(tmp_path):
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    for measure in (count_parameters, size_bytes):
        with pytest.raises(
            ValueError, match="unbuilt Sequential; call it on one batch"
        ):
            measure(unbuilt)
    with pytest.raises(ValueError, match="one of keras, npz, raw, got 'zip'"):
        size_bytes(mlp((2,)), "zip")
    with pytest.raises(ValueError, match="train it for one step first"):
        size_bytes(mlp((2,)), optimizer=True)
    with pytest.raises(FileNotFoundError, match="where no file is; export first"):
        size_bytes(tmp_path / "nothing.tflite")


def test_latency_finds_a_known_time_and_its_percentiles():
    pauses = iter([0.02] * 5 + [0.001] * 18 + [0.01] * 2)
    latency = measure_latency(lambda: time.sleep(next(pauses)), warmup=5, repeats=20)
    assert next(pauses, None) is None  # every call was made, none besides
    assert 1 <= latency.p50_ms < 5
    assert 9 < latency.p99_ms < 40
    assert (latency.repeats, latency.warmup, len(latency.times_ms)) == (20, 5, 20)
    times = np.array(latency.times_ms)
    assert latency.p95_ms == pytest.approx(np.percentile(times, 95))
    assert latency.mean_ms == pytest.approx(times.mean())
    assert latency.min_ms == times.min()
    assert latency.throughput(8) == pytest.approx(8000 / times.mean())


def test_latency_passes_its_inputs_and_rests_the_collector():
    seen = []
    measure_latency(
        lambda a, b: seen.append((a, b, gc.isenabled())), 1, 2, warmup=1, repeats=2
    )
    assert seen == [(1, 2, True), (1, 2, False), (1, 2, False)]
    assert gc.isenabled()

    def fail():
        raise KeyError("planted")

    with pytest.raises(KeyError):
        measure_latency(fail, warmup=0)
    assert gc.isenabled()


class Late:
    """A result that, like JAX's, is ready only after a while."""

    def block_until_ready(self):
        time.sleep(0.005)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, (x,)], lambda x: {"a": x}])
def test_latency_waits_for_the_result(wrap):
    latency = measure_latency(lambda: wrap(Late()), warmup=0, repeats=3)
    assert latency.min_ms >= 5


@pytest.mark.parametrize(("flag", "module"), [("is_cuda", "cuda"), ("is_mps", "mps")])
def test_latency_waits_for_torch_on_accelerators(monkeypatch, flag, module):
    torch = pytest.importorskip("torch")
    waits = []
    monkeypatch.setattr(
        getattr(torch, module), "synchronize", lambda *device: waits.append(device)
    )
    result = types.SimpleNamespace(**{flag: True}, device="there")
    measure_latency(lambda: [result], warmup=1, repeats=2)
    assert len(waits) == 3


@pytest.mark.backend
def test_latency_waits_on_every_backend():
    x = np.random.default_rng(0).random((600, 600), dtype="float32")
    x = keras.ops.convert_to_tensor(x)

    def work(times):
        y = x
        for _ in range(times):
            y = keras.ops.matmul(y, x) / 300.0
        return y

    short = measure_latency(work, 1, warmup=2, repeats=7)
    long = measure_latency(work, 24, warmup=2, repeats=7)
    # Without waiting both would measure only the calls, some microseconds each.
    assert long.min_ms > 4 * short.min_ms
    assert long.min_ms > 24 * 2 * 600**3 / 3e12 * 1e3  # 3 Tflop/s: no CPU is faster


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"repeats": 0}, ValueError, "repeats must be at least 1, got 0"),
        ({"warmup": -1}, ValueError, "warmup must be at least 0, got -1"),
        ({"function": 3.0}, TypeError, "function must be callable, got float"),
    ],
)
def test_bad_latency_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        measure_latency(**{"function": int, **arguments})


def test_bad_batch_sizes_are_refused():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        measure_latency(int, repeats=1).throughput(0)
