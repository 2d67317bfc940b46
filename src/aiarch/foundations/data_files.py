"""Files of the full-size image sets: where they are, how they are read and checked.

With the environment variable `AIARCH_DATA_DIR` naming a folder, the sets are read
from it and nothing is fetched. The folder holds what Keras fetches: `mnist.npz`,
`fashion-mnist/` with four `.gz` files, `cifar-10-batches-py.tar.gz`.

Chapter: foundations/measuring
"""

import gzip
import hashlib
import io
import os
import pickle
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]

# sha256 of the unsigned bytes of each set: the arrays one after the other in the
# order of `_KEYS`, or images and labels side by side, one row a sample. Checking the
# content, not the file, accepts an archive that was packed anew.
CHECKSUMS = {
    "digits": "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2",
    "mnist5k": "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa",
    "mnist": "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
}
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_FASHION_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
_SHAPES = {
    "mnist": ((60_000, 28, 28), (10_000, 28, 28)),
    "fashion_mnist": ((60_000, 28, 28), (10_000, 28, 28)),
    "cifar10": ((50_000, 32, 32, 3), (10_000, 32, 32, 3)),
}


def load_full_size(name: str) -> Arrays:
    """Load `mnist`, `fashion_mnist` or `cifar10` as unsigned bytes.

    Args:
        name: the data set.

    Returns:
        `x_train`, `y_train`, `x_test` and `y_test`; images (n, height, width) or
        (n, height, width, 3), labels (n,).

    Raises:
        ValueError: if what was read is not that data set.
        FileNotFoundError: if the set is neither in the folder named by
            `AIARCH_DATA_DIR` nor to be had from the network.

    Example:
        >>> from aiarch.foundations.data_files import load_full_size
        >>> load_full_size("mnist")["x_train"].shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    folder = os.environ.get("AIARCH_DATA_DIR")
    if folder:
        readers = {
            "mnist": lambda root: read_npz(root / "mnist.npz"),
            "fashion_mnist": lambda root: read_idx_folder(root / "fashion-mnist"),
            "cifar10": lambda root: read_cifar10(root / "cifar-10-batches-py.tar.gz"),
        }
        arrays, origin = readers[name](Path(folder)), f"AIARCH_DATA_DIR={folder}"
    else:
        arrays, origin = _from_keras(name), "keras.datasets"
    shapes = arrays["x_train"].shape, arrays["x_test"].shape
    if shapes != _SHAPES[name]:
        raise ValueError(
            f"{name} from {origin} has images of shapes {shapes}, expected "
            f"{_SHAPES[name]}; replace the files by complete ones."
        )
    if name in CHECKSUMS:
        verify(name, *(arrays[key] for key in _KEYS))
    return arrays


def verify(name: str, *arrays: np.ndarray) -> None:
    """Refuse arrays whose bytes are not those of the data set.

    Args:
        name: a key of `CHECKSUMS`.
        arrays: the arrays of the data set, in order.

    Raises:
        ValueError: if their sha256 is another.

    Example:
        >>> import numpy as np
        >>> from aiarch.foundations.data_files import verify
        >>> verify("digits", np.zeros(3))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: data set 'digits' is damaged: ...
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    if digest.hexdigest() != CHECKSUMS[name]:
        raise ValueError(
            f"data set {name!r} is damaged: its content has sha256 "
            f"{digest.hexdigest()}, expected {CHECKSUMS[name]}; replace its file, or "
            "install the package that holds it again."
        )


def count_shared(first: np.ndarray, second: np.ndarray) -> int:
    """Count the samples of one array that are also, bit for bit, in another.

    Args:
        first: samples along the first axis.
        second: samples of the same shape and dtype.

    Returns:
        How many samples of `first` occur in `second`.

    Raises:
        ValueError: if samples differ in shape or dtype, and so could never be equal.

    Example:
        >>> import numpy as np
        >>> from aiarch.foundations.data_files import count_shared
        >>> count_shared(np.array([[1, 2], [3, 4]]), np.array([[3, 4], [5, 6]]))
        1
    """
    if first.shape[1:] != second.shape[1:] or first.dtype != second.dtype:
        raise ValueError(
            f"first and second must hold samples of one shape and dtype, got "
            f"{first.dtype}{first.shape[1:]} and {second.dtype}{second.shape[1:]}."
        )
    known = {sample.tobytes() for sample in second}
    return sum(sample.tobytes() in known for sample in first)


def read_npz(path: str | os.PathLike) -> Arrays:
    """Read a NumPy archive with the keys x_train, y_train, x_test and y_test.

    Args:
        path: the `.npz` file, in the layout of Keras's `mnist.npz`.

    Returns:
        The four arrays as unsigned bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no such archive.

    Example:
        >>> from aiarch.foundations.data_files import read_npz
        >>> read_npz("data/mnist.npz")["x_test"].shape  # doctest: +SKIP
        (10000, 28, 28)
    """
    path = _existing(path, "an archive such as Keras's mnist.npz")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in _KEYS}
    except (ValueError, KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(
            f"{path} must be a NumPy archive with the keys {', '.join(_KEYS)}, but "
            f"reading it failed: {error}; replace the file."
        ) from error
    return _checked(arrays, path)


def read_idx_folder(folder: str | os.PathLike) -> Arrays:
    """Read four gzipped IDX files, as Fashion-MNIST is distributed.

    Args:
        folder: holds `train-images-idx3-ubyte.gz` and its three companions.

    Returns:
        The four arrays as unsigned bytes.

    Raises:
        FileNotFoundError: if a file is not there.
        ValueError: if a file is no IDX file, or is cut short.

    Example:
        >>> from aiarch.foundations.data_files import read_idx_folder
        >>> read_idx_folder("data/fashion-mnist")["y_test"]  # doctest: +SKIP
        array([9, 2, 1, ..., 8, 1, 5], dtype=uint8)
    """
    folder = Path(folder)
    arrays = {
        key: _read_idx(folder / file, 3 if key.startswith("x") else 1)
        for key, file in _FASHION_FILES.items()
    }
    return _checked(arrays, folder)


def _read_idx(path: Path, rank: int) -> np.ndarray:
    path = _existing(path, "a gzipped IDX file as Fashion-MNIST has it")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path} must be a gzip file, but unpacking failed: {error}; replace it."
        ) from error
    # Two zero bytes, the element type (8: unsigned byte), the rank, then the sizes.
    header = np.frombuffer(content[: 4 + 4 * rank], ">u4")
    shape = tuple(int(size) for size in header[1:])
    expected = 4 + 4 * rank + int(np.prod(shape))
    if len(header) != 1 + rank or header[0] != 0x800 + rank or len(content) != expected:
        raise ValueError(
            f"{path} must be an IDX file of unsigned bytes with {rank} axes whose "
            f"length fits its header, got {len(content)} bytes; replace the file."
        )
    return np.frombuffer(content, "uint8", offset=4 + 4 * rank).reshape(shape)


class _ArraysOnly(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers; runs no other code."""

    allowed = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a batch")
        if name == "_reconstruct":
            module = "numpy._core.multiarray"
        return super().find_class(module, name)


def read_cifar10(path: str | os.PathLike) -> Arrays:
    """Read CIFAR-10's Python archive.

    Args:
        path: `cifar-10-batches-py.tar.gz`, with five training batches and one test
            batch, or as many training batches as there are.

    Returns:
        Images (n, 32, 32, 3) and labels (n,) as unsigned bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the archive or a batch in it is damaged.

    Example:
        >>> from aiarch.foundations.data_files import read_cifar10
        >>> read_cifar10("data/cifar-10-batches-py.tar.gz")  # doctest: +SKIP
    """
    path = _existing(path, "CIFAR-10's archive for Python")
    batches = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                file = Path(member.name).name
                if member.isfile() and file.startswith(("data_batch", "test_batch")):
                    content = io.BytesIO(archive.extractfile(member).read())
                    batch = _ArraysOnly(content, encoding="bytes").load()
                    pixels = np.asarray(batch[b"data"]).reshape(-1, 3, 32, 32)
                    labels = np.asarray(batch[b"labels"])
                    batches[file] = pixels.transpose(0, 2, 3, 1), labels
        train = [batches[file] for file in sorted(batches) if file != "test_batch"]
        x_train, y_train = (np.concatenate(column) for column in zip(*train, strict=1))
        x_test, y_test = batches["test_batch"]
    except (
        tarfile.TarError,
        pickle.UnpicklingError,
        zlib.error,
        OSError,
        EOFError,
        KeyError,
        ValueError,
    ) as error:
        raise ValueError(
            f"{path} must be CIFAR-10's tar archive with data_batch_1.. and "
            f"test_batch, but reading it failed: {error!r}; replace the file."
        ) from error
    arrays = {
        "x_train": x_train,
        "y_train": y_train,
        "x_test": x_test,
        "y_test": y_test,
    }
    return _checked(arrays, path)


def _existing(path: str | os.PathLike, what: str) -> Path:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there; it must be {what}. Put it there, or unset "
            "AIARCH_DATA_DIR to have Keras fetch the data set."
        )
    return path


def _checked(arrays: Arrays, origin: Path) -> Arrays:
    """Refuse images and labels that do not belong together."""
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        fits = len(x) == len(y) > 0 and y.ndim == 1 and x.dtype == np.uint8
        if not fits or y.min() < 0 or y.max() > 9:
            raise ValueError(
                f"{origin}: x_{part} must hold images as unsigned bytes and y_{part} "
                f"one label 0..9 for each; got {x.dtype}{x.shape} and "
                f"{y.dtype}{y.shape}; replace the file."
            )
    return {key: array.astype("uint8", copy=False) for key, array in arrays.items()}


def _from_keras(name: str) -> Arrays:
    import keras

    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises bare Exception when a fetch fails
        raise FileNotFoundError(
            f"{name} could not be fetched by Keras ({error}); connect to the network, "
            "or put its files in a folder and name that by AIARCH_DATA_DIR."
        ) from error
    arrays = dict(zip(_KEYS, (*train, *test), strict=True))
    for key in ("y_train", "y_test"):
        arrays[key] = arrays[key].reshape(-1)
    return arrays
