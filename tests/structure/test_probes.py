import keras
import numpy as np
import pytest

from aiarch.structure.probes import (
    Tape,
    derivatives,
    float64_allowed,
    probed_copy,
    to_tensor,
)


def net():
    model = keras.Sequential([keras.Input((3,))])
    model.add(keras.layers.Dense(2, name="a"))
    model.add(keras.layers.ReLU(name="b"))
    return model


@pytest.mark.backend
def test_a_copy_shows_what_passes_and_adds_what_it_is_told():
    model, tape, x = net(), Tape(), np.ones((4, 3), "float32")
    with float64_allowed():
        copy = probed_copy(model, x, tape)
        outputs = copy(to_tensor(x))
        assert tape.names == ["a", "b"]
        assert "float64" in str(tape.seen[0].dtype)
        np.testing.assert_array_equal(
            *map(keras.ops.convert_to_numpy, [outputs, tape.seen[1]])
        )
        tape.offsets = [to_tensor(np.zeros((4, 2))), to_tensor(np.full((4, 2), 5.0))]
        moved = keras.ops.convert_to_numpy(copy(to_tensor(x)))
    np.testing.assert_allclose(moved, keras.ops.convert_to_numpy(outputs) + 5)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(model(x)) + 5, moved, rtol=1e-5
    )


@pytest.mark.backend
def test_a_copy_has_weights_of_its_own():
    model, x = net(), np.ones((4, 3), "float32")
    before = model.get_weights()
    with float64_allowed():
        copy = probed_copy(model, x, Tape())
        copy.set_weights([7 * w + 1 for w in copy.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.backend
def test_derivatives_and_zeros_where_there_are_none():
    with float64_allowed():
        tensors = [to_tensor(np.array([1.0, 2.0])), to_tensor(np.ones(3))]
        found = derivatives(lambda t: keras.ops.sum(t[0] ** 3), tensors)
        first, second = map(keras.ops.convert_to_numpy, found)
    np.testing.assert_allclose(first, [3.0, 12.0])
    np.testing.assert_array_equal(second, np.zeros(3))


@pytest.mark.backend
def test_only_tensorflow_keeps_to_float64():
    with float64_allowed() as wide:
        assert wide == (keras.backend.backend() == "tensorflow")
        assert "float64" in str(to_tensor(np.ones(2, "float32")).dtype)
        assert "int" in str(to_tensor(np.ones(2, "int32")).dtype)
