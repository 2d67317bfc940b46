import keras
import numpy as np
import pytest
from keras import layers, ops

from aiarch.foundations import small_resnet
from aiarch.structure import TuningStage, fine_tune

backend = pytest.mark.backend


def value(variable):
    return np.array(ops.convert_to_numpy(variable.value))


def net_with_normalization(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, name="low"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, activation="tanh", name="middle"),
            layers.Dropout(0.1),
            layers.Dense(2, name="top"),
        ]
    )


def data(n=32):
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(n, 4)).astype("float32")
    return x, rng.normal(size=(n, 2)).astype("float32")


def tune(net, *stages, **arguments):
    before = {v.path: value(v) for v in net.weights}
    x, y = data()
    histories = fine_tune(
        net, x, y, **{"stages": stages, "loss": "mse", "verbose": 0, **arguments}
    )
    moved = [v.path for v in net.weights if np.any(value(v) != before[v.path])]
    return histories, moved


@backend
def test_each_stage_moves_its_layers_and_no_other():
    net = net_with_normalization()
    histories, moved = tune(net, TuningStage(1, 2, 0.01))
    assert [len(h.history["loss"]) for h in histories] == [2]
    assert {path.split("/")[-2] for path in moved} == {"top"}
    _, moved = tune(net, TuningStage(["middle"], 1, 0.01))
    assert {path.split("/")[-2] for path in moved} == {"middle"}
    histories, moved = tune(net, TuningStage(2, 1, 0.01), TuningStage("all", 3, 0.01))
    assert {path.split("/")[-2] for path in moved} == {"low", "middle", "top"}
    assert [len(h.history["loss"]) for h in histories] == [1, 3]


@backend
def test_batch_norm_stays_in_inference_mode_unless_it_is_told_to_learn():
    net = net_with_normalization()
    norm = net.get_layer("norm")
    norm.set_weights([np.full(5, v) for v in (2.0, 0.5, 0.3, 4.0)])
    kept = [value(v) for v in norm.weights]
    # One batch and no dropout: the loss is that of inference, before the step.
    x, y = data(8)
    net.layers[3].rate = 0.0
    expected = np.mean((ops.convert_to_numpy(net(x, training=False)) - y) ** 2)
    stage = TuningStage("all", 1, 0.01)
    (history,) = fine_tune(net, x, y, stages=[stage], loss="mse", verbose=0)
    np.testing.assert_allclose(history.history["loss"][0], expected, rtol=1e-5)
    for variable, old in zip(norm.weights, kept, strict=True):
        np.testing.assert_array_equal(value(variable), old)
    _, moved = tune(net, stage, freeze_batch_norm=False)
    assert sum("norm" in path for path in moved) == 4
    _, moved = tune(net, TuningStage(2, 1, 0.01), freeze_batch_norm=False)
    assert not any("norm" in path for path in moved)  # goes with the layer before


@backend
@pytest.mark.parametrize("decay", [1.0, 0.25])
def test_one_step_of_sgd_has_the_rate_of_its_layer(decay):
    net = net_with_normalization()
    net.layers[3].rate = 0.0
    before = {v.path: value(v) for v in net.trainable_variables}
    x, y = data(8)
    arguments = {"loss": "mse", "verbose": 0, "optimizer": keras.optimizers.SGD}
    fine_tune(net, x, y, stages=[TuningStage("all", 1, 0.1, decay)], **arguments)
    moved = {v.path: value(v) - before[v.path] for v in net.trainable_variables}
    for v in net.trainable_variables:
        v.assign(before[v.path])
    fine_tune(net, x, y, stages=[TuningStage("all", 1, 0.1)], **arguments)
    for variable in net.trainable_variables:
        path = variable.path
        depth = ["top", "middle", "low"].index(path.split("/")[-2])
        at_full_rate = value(variable) - before[path]
        assert np.any(at_full_rate)
        np.testing.assert_allclose(
            moved[path], decay**depth * at_full_rate, rtol=1e-4, atol=1e-7
        )


@backend
def test_depth_counts_layers_that_do_not_learn():
    rates = []

    def make(learning_rate):
        rates.append(learning_rate)
        return keras.optimizers.SGD(learning_rate)

    net = net_with_normalization()
    tune(net, TuningStage(["top", "low"], 1, 0.1, 0.5), optimizer=make)
    assert rates == [0.1, 0.1, 0.025, 0.1]  # default, top, low; and at the end


@backend
def test_adapted_kernels_and_what_was_frozen_one_by_one_stay():
    net = net_with_normalization()
    net.get_layer("middle").enable_lora(2)
    net.get_layer("low").weights[1].trainable = False  # the bias
    _, moved = tune(net, TuningStage(2, 1, 0.01), TuningStage("all", 1, 0.01, 0.5))
    assert sorted(path.split("/", 1)[1] for path in moved) == [
        "low/kernel",
        "middle/bias",
        "middle/lora_kernel_a",
        "middle/lora_kernel_b",
        "top/bias",
        "top/kernel",
    ]


@backend
def test_the_model_ends_compiled_and_can_go_on():
    net = net_with_normalization()
    tune(net, TuningStage("all", 1, 0.01, 0.5), TuningStage(1, 1, 0.01, 0.5))
    assert [la.trainable for la in net.layers] == [False, False, False, True, True]
    assert isinstance(net.optimizer, keras.optimizers.Adam)
    x, y = data()
    net.fit(x, y, verbose=0)
    assert np.isfinite(net.evaluate(x, y, verbose=0))
    net.trainable = False
    net.trainable = True
    assert len(net.trainable_variables) == 8
    net.compile("sgd", "mse")
    net.fit(x, y, verbose=0)


def test_a_tuned_model_is_saved_and_loaded(tmp_path):
    net = net_with_normalization()
    tune(net, TuningStage("all", 1, 0.01, 0.5))
    net.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    x, y = data()
    np.testing.assert_array_equal(
        net.predict(x, verbose=0), loaded.predict(x, verbose=0)
    )
    loaded.fit(x, y, verbose=0)


def test_a_subclassed_model_in_half_precision():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(dtype="mixed_float16")
            self.low = layers.Dense(3, dtype="mixed_float16", name="low")
            self.top = layers.Dense(2, dtype="mixed_float16", name="top")
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, inputs):
            return self.top(self.low(inputs)) * ops.cast(self.scale, "float16")

    net = Own()
    net(np.ones((1, 4)))
    _, moved = tune(net, TuningStage(1, 12, 0.01))  # the first scales overflow
    assert {path.split("/")[-2] for path in moved} == {"top"}
    assert isinstance(net.optimizer, keras.optimizers.LossScaleOptimizer)
    _, moved = tune(net, TuningStage("all", 12, 0.01, 0.5))
    assert len(moved) == 5


def test_data_sets_metrics_and_arguments_of_fit():
    x, y = data()
    net = net_with_normalization()
    batches = keras.utils.PyDataset

    class Batches(batches):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return x[16 * index : 16 * index + 16], y[16 * index : 16 * index + 16]

    histories = fine_tune(
        net,
        Batches(),
        stages=[TuningStage(1, 2, 0.01)],
        loss="mse",
        metrics=["mae"],
        validation_data=(x, y),
        verbose=0,
    )
    assert len(histories[0].history["val_mae"]) == 2
    assert int(ops.convert_to_numpy(net.optimizer.iterations)) == 4


def test_residual_net_counts_from_the_output():
    net = small_resnet((8, 8, 1), widths=(4, 8))
    labels = np.arange(8) % 10
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    before = {v.path: value(v) for v in net.weights}
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 1))
    fine_tune(net, x, labels, stages=[TuningStage(2, 1, 0.01)], loss=loss, verbose=0)
    moved = [v for v in net.weights if np.any(value(v) != before[v.path])]
    with_weights = [la for la in net.layers if la.weights and "conv" in la.name]
    assert {v.path.split("/")[-2] for v in moved} == {
        net.layers[-1].name,
        with_weights[-1].name,
    }


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"stages": []}, ValueError, "`stages` must hold at least one TuningStage"),
        ({"stages": [("all", 1, 0.1)]}, TypeError, "`stages` must hold"),
        ({"optimizer": "adam"}, TypeError, "`optimizer` must return a Keras optimizer"),
        ({"optimizer": lambda learning_rate: 1}, TypeError, "`optimizer` must return"),
        ({"epochs": 3}, ValueError, "`epochs` must not be given, got 3"),
        ({"stages": [TuningStage(9, 1, 0.1)]}, ValueError, "at most 3, got 9"),
        (
            {"stages": [TuningStage("all", 1, 0.1), TuningStage(["x"], 1, 0.1)]},
            ValueError,
            r"names \['x'\]",
        ),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_trained(arguments, kind, message):
    net = net_with_normalization()
    before = [value(v) for v in net.weights]
    with pytest.raises(kind, match=message):
        tune(net, TuningStage("all", 1, 0.1), **arguments)
    for variable, old in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(value(variable), old)


def test_models_that_cannot_be_tuned_are_refused():
    stages = [TuningStage("all", 1, 0.1)]
    x, y = data()
    with pytest.raises(TypeError, match="`model` must be a keras.Model"):
        fine_tune(layers.Dense(1), x, y, stages=stages, loss="mse")
    with pytest.raises(ValueError, match="has no weights to start from"):
        fine_tune(keras.Sequential([layers.Dense(1)]), x, y, stages=stages, loss="mse")
    net = net_with_normalization()
    for variable in net.weights:
        variable.trainable = False
    with pytest.raises(ValueError, match="leaves nothing that can learn"):
        fine_tune(net, x, y, stages=stages, loss="mse")


def test_layers_of_one_name_cannot_have_rates_of_their_own():
    def part():
        return keras.Sequential([keras.Input((4,)), layers.Dense(4, name="twin")])

    inputs = keras.Input((4,))
    net = keras.Model(inputs, part()(part()(inputs)))
    x, _ = data()
    arguments = {"loss": "mse", "verbose": 0}
    paths = [v.path for v in net.weights]
    if len(set(paths)) < len(paths):
        with pytest.raises(ValueError, match="`decay` needs layers of different names"):
            stages = [TuningStage("all", 1, 0.1, 0.5)]
            fine_tune(net, x, x, stages=stages, **arguments)
    fine_tune(net, x, x, stages=[TuningStage("all", 1, 0.1)], **arguments)
