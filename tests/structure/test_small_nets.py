import keras
import numpy as np
import pytest

from aiarch.foundations import count_parameters
from aiarch.structure import SMALL_NETS, small_net
from aiarch.structure.small_nets import (
    fitting_width,
    layer_plan,
    planned_parameters,
)
from aiarch.training import Space


def nets(count, seed=0):
    rng, space = np.random.default_rng(seed), Space(SMALL_NETS)
    return [space.draw(rng) for _ in range(count)]


@pytest.mark.parametrize("net", nets(8), ids=range(8))
def test_the_plan_counts_what_the_model_has(net):
    for limit in (400, 1000, 5210):
        try:
            width = fitting_width(net, limit)
        except ValueError:
            assert limit == 400
            continue
        model = small_net(net, limit)
        assert count_parameters(model) == planned_parameters(net, width) <= limit
        assert planned_parameters(net, width + 1) > limit


@pytest.mark.backend
def test_a_net_answers():
    for net in nets(2):
        model = small_net(net, 1000)
        assert model(np.zeros((2, 40, 1), "float32")).shape == (2, 10)


def test_every_configuration_fits_into_the_books_limits():
    widths = [fitting_width(net, 1000) for net in nets(400, seed=1)]
    assert min(widths) >= 1


@pytest.mark.parametrize(
    ("length", "num_classes"), [(17, 3), (64, 5)], ids=["short", "long"]
)
def test_other_signals(length, num_classes):
    shape = {"length": length, "num_classes": num_classes}
    for net in nets(4, seed=2):
        model = small_net(net, 3000, **shape)
        width = fitting_width(net, 3000, **shape)
        assert count_parameters(model) == planned_parameters(net, width, **shape)
        assert model.output_shape == (None, num_classes)


def test_choices_do_what_they_say():
    base = {name: choices[0] for name, choices in SMALL_NETS.items()} | {"depth": 4}

    def kinds(**changes):
        model = small_net({**base, **changes}, 5210)
        return [type(layer).__name__ for layer in model.layers]

    assert kinds().count("Conv1D") == 4
    assert kinds(kind="separable").count("SeparableConv1D") == 3
    assert kinds(normalized=True).count("BatchNormalization") == 4
    assert kinds(shortcut=True).count("Add") == 3
    assert "GlobalMaxPooling1D" in kinds(pooling="max")
    assert "Flatten" in kinds(pooling="flatten")
    plan = layer_plan({**base, "halvings": 2, "growth": 2.0, "dilated": True}, 8)
    assert [layer["filters"] for layer in plan] == [8, 16, 16, 16]
    assert [layer["stride"] for layer in plan] == [2, 2, 1, 1]
    assert [layer["dilation"] for layer in plan] == [1, 1, 1, 2]
    assert [layer["length"] for layer in plan] == [20, 10, 10, 10]


def test_weights_depend_on_the_seed_alone():
    (net,) = nets(1, seed=3)
    first, again, other = (
        small_net(net, 2000, seed=s).get_weights() for s in (1, 1, 2)
    )
    kernels = [k for k, w in enumerate(first) if w.ndim > 1]
    assert all((first[k] == again[k]).all() for k in kernels)
    assert all((first[k] != other[k]).any() for k in kernels)
    assert len({first[k].ravel()[0] for k in kernels}) == len(kernels)


def test_a_net_is_an_ordinary_keras_model(tmp_path):
    (net,) = nets(1, seed=4)
    model = small_net(net, 2000)
    model.save(tmp_path / "net.keras")
    x = np.random.default_rng(0).normal(size=(3, 40, 1)).astype("float32")
    again = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(model.predict_on_batch(x), again.predict_on_batch(x))


@pytest.mark.parametrize("wrong", [{"kernel": 4}, {"pooling": "sum"}, {"depth": None}])
def test_what_is_no_choice_is_refused(wrong):
    (net,) = nets(1)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        small_net({**net, **wrong}, 1000)
    with pytest.raises(ValueError, match="kind"):
        small_net({k: v for k, v in net.items() if k != "kind"}, 1000)


def test_too_few_parameters_are_refused():
    (net,) = nets(1)
    with pytest.raises(ValueError, match="`max_parameters` must pay for one channel"):
        small_net(net, 10)
