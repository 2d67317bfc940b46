import keras
import pytest
from keras import layers

from aiarch.structure import TuningStage
from aiarch.structure.tuning_stages import (
    chosen_units,
    held_variables,
    learning_units,
)


def nested_net():
    """A model inside a model, batch normalization, and a layer without weights."""
    inside = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3, name="low"),
            layers.BatchNormalization(name="norm"),
        ],
        name="inside",
    )
    inputs = keras.Input((4,))
    x = layers.ReLU()(inside(inputs))
    x = layers.Dense(3, name="middle")(x)
    return keras.Model(inputs, layers.Dense(2, name="top")(x))


def names(net, freeze_batch_norm=True):
    units = learning_units(net, held_variables(net), freeze_batch_norm)
    return [[layer.name for layer in unit] for unit in units]


def test_layers_are_counted_from_the_output_through_models_inside():
    net = nested_net()
    assert names(net) == [["top"], ["middle"], ["low"]]
    assert names(net, False) == [["top"], ["middle"], ["low", "norm"]]


@pytest.mark.parametrize("frozen", ["model", "layer", "inside"])
def test_what_an_earlier_training_froze_can_still_be_chosen(frozen):
    net = nested_net()
    {"model": net, "layer": net.get_layer("middle"), "inside": net.layers[1]}[
        frozen
    ].trainable = False
    assert names(net) == [["top"], ["middle"], ["low"]]


def test_what_is_frozen_one_by_one_is_held():
    net = nested_net()
    for variable in net.get_layer("middle").weights:
        variable.trainable = False
    assert names(net) == [["top"], ["low"]]
    net.get_layer("top").enable_lora(1)
    net.get_layer("top").trainable = False
    net.get_layer("top").trainable = True  # sets the kernel free, as Keras has it
    assert net.get_layer("top").weights[0].trainable
    assert "top/kernel" in [v.path[-10:] for v in held_variables(net)]
    assert names(net) == [["top"], ["low"]]


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [("all", [0, 1, 2]), (1, [0]), (2, [0, 1]), (["low"], [2]), (["low", "top"], None)],
)
def test_choices(chosen, numbers):
    net = nested_net()
    units = learning_units(net, held_variables(net), True)
    found = chosen_units(TuningStage(chosen, 1, 0.1), units)
    assert found == (numbers or [0, 2])


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (4, r"at most 3, got 4.*\['top', 'middle', 'low'\]"),
        (["low", "high"], r"names \['high'\].*\['top', 'middle', 'low'\]"),
        (["norm"], r"names \['norm'\]"),
    ],
)
def test_choices_that_do_not_exist_are_refused(chosen, message):
    net = nested_net()
    units = learning_units(net, held_variables(net), True)
    with pytest.raises(ValueError, match=message):
        chosen_units(TuningStage(chosen, 1, 0.1), units)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("all", 1, 0.0), ValueError, "`learning_rate` must be above 0"),
        (("all", 1, -0.1), ValueError, "`learning_rate` must be a finite number"),
        (("all", 1, float("nan")), ValueError, "`learning_rate`"),
        (("all", 1, float("inf")), ValueError, "`learning_rate`"),
        (("all", 1, "0.1"), TypeError, "`learning_rate` must be a number"),
        (("all", 1, 0.1, 0.0), ValueError, "`decay` must be above 0"),
        (("all", 1, 0.1, 1.1), ValueError, r"`decay` must be .* in \[0, 1\]"),
        (("all", 0, 0.1), ValueError, "`num_epochs` must be an integer of at least 1"),
        (("all", 1.0, 0.1), ValueError, "`num_epochs`"),
        (("all", True, 0.1), ValueError, "`num_epochs`"),
        (("top", 1, 0.1), ValueError, "put a single name into a list"),
        (([], 1, 0.1), ValueError, "at least one"),
        (([1], 1, 0.1), ValueError, "names of layers"),
        ((0, 1, 0.1), ValueError, "`layers` must be an integer of at least 1"),
        ((True, 1, 0.1), ValueError, "`layers`"),
        ((None, 1, 0.1), ValueError, "`layers`"),
    ],
)
def test_bad_stages_are_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        TuningStage(*arguments)
