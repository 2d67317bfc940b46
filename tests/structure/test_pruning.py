import keras
import numpy as np
import pytest
from keras import layers, ops

from aiarch.structure import (
    ConstantSchedule,
    MaskedOptimizer,
    PolynomialSchedule,
    Pruning,
    magnitude_mask,
    sparsity,
)
from aiarch.structure.pruning import is_kernel

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.backend
only_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="one backend is enough, or it is TensorFlow's"
)
GRADUAL = PolynomialSchedule(0.0, 0.8, begin_step=1, end_step=7)


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(6, activation="tanh")
        self.last = layers.Dense(2)

    def call(self, inputs):
        return self.last(self.first(inputs))


def data(shape=(4,), num=32, classes=2, integers=None):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num, *shape)).astype("float32")
    if integers:
        x = rng.integers(integers, size=(num, *shape)).astype("int32")
    return x, rng.integers(classes, size=num)


def compiled(model, optimizer=None, **settings):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or keras.optimizers.SGD(0.1), loss, **settings)
    return model


def mlp(**settings):
    keras.utils.set_random_seed(0)
    stack = [keras.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(2)]
    return compiled(keras.Sequential(stack), **settings)


def subclassed():
    keras.utils.set_random_seed(0)
    model = Subclassed()
    model(np.zeros((1, 4), "float32"))
    return compiled(model)


def images():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(8, 3, activation="relu", padding="same")(inputs)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.BatchNormalization()(x)
    x = layers.SeparableConv2D(8, 3)(x)
    x = layers.Flatten()(x)
    return compiled(keras.Model(inputs, layers.Dense(2)(x)))


def sequences():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,), dtype="int32")
    x = layers.Embedding(10, 8)(inputs)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    x = layers.Flatten()(layers.LayerNormalization()(x))
    return compiled(keras.Model(inputs, layers.Dense(2)(x)))


MODELS = {
    "sequential": (mlp, {}),
    "subclassed": (subclassed, {}),
    "images": (images, {"shape": (6, 6, 2)}),
    "sequences": (sequences, {"shape": (4,), "integers": 10}),
}


def fit(model, callbacks=(), epochs=2, batch_size=8, shuffle=False, **settings):
    x, y = data(**settings)
    return model.fit(
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        verbose=0,
        callbacks=list(callbacks),
    )


def zeros(model):
    """Number of zeros and size of each kernel, and zeros of all else."""
    inside, other = [], 0
    for v in model.trainable_variables:
        array = ops.convert_to_numpy(v)
        if v.name.endswith("kernel") or v.name == "embeddings":
            inside.append((int((array == 0).sum()), array.size))
        elif v.name not in ("bias", "beta"):  # those begin at 0
            other += int((array == 0).sum())
    return inside, other


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("sequential", "layer"),
        ("subclassed", "global"),
        ("images", "layer"),
        ("sequences", "global"),
    ],
)
def test_contract_of_models_and_layers(kind, scope):
    make, settings = MODELS[kind]
    model = make()
    optimizer = model.optimizer
    fit(model, [Pruning(GRADUAL, scope, frequency=2)], **settings)
    assert model.optimizer is optimizer
    inside, other = zeros(model)
    assert other == 0
    if scope == "layer":
        assert inside == [(round(0.8 * size), size) for _, size in inside]
    total = sum(size for _, size in inside)
    if scope == "global":
        assert sum(count for count, _ in inside) == round(0.8 * total)
    assert sparsity(model) == sum(count for count, _ in inside) / total
    if kind == "sequential":  # an ordinary training fills the zeros again
        fit(model, epochs=1, **settings)
        assert sparsity(model) < 0.3


class Record(keras.callbacks.Callback):
    """Weights after each batch."""

    def __init__(self):
        super().__init__()
        self.kernels = []

    def on_train_batch_end(self, batch, logs=None):
        if BACKEND == "jax":
            self.model.jax_state_sync()
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        self.kernels.append([np.array(ops.convert_to_numpy(v)) for v in kernels])


def test_exact_counts_after_every_batch():
    record = Record()
    fit(mlp(), [Pruning(GRADUAL, frequency=3), record])
    for t, kernels in enumerate(record.kernels, start=1):
        update = max((s for s in (1, 4, 7) if s <= t), default=None)
        for kernel in kernels:
            want = 0 if update is None else round(GRADUAL(update) * kernel.size)
            assert (kernel == 0).sum() == want, f"after {t} batches"


@only_tensorflow
def test_granularities():
    model = images()
    fit(
        model,
        [Pruning(ConstantSchedule(0.5, 3), granularity="channel")],
        shape=(6, 6, 2),
    )
    conv, depthwise, *_ = [
        v for v in model.trainable_variables if v.name.endswith("kernel")
    ]
    by_filter = (conv.numpy() == 0).reshape(-1, 8)
    assert by_filter.all(axis=0).sum() == 4 and by_filter.any(axis=0).sum() == 4
    by_channel = (depthwise.numpy() == 0).reshape(9, -1)  # 8 × 2 channels
    assert by_channel.all(axis=0).sum() == 8 and by_channel.any(axis=0).sum() == 8
    model = mlp()
    fit(model, [Pruning(ConstantSchedule(0.5, 3), granularity="2:4")])
    first, last = (v.numpy() for v in model.trainable_variables if v.name == "kernel")
    assert ((first.reshape(1, 4, 6) != 0).sum(axis=1) == 2).all()
    assert ((last[:4].reshape(1, 4, 2) != 0).sum(axis=1) == 2).all()
    assert (last[4:] != 0).all()  # the tail
    attention = sequences()
    callback = Pruning(ConstantSchedule(0.5))
    axes = dict(callback._targets(attention))
    found = {
        v.path.split("/", 1)[-1]: axes[k]
        for k, v in enumerate(attention.trainable_variables)
        if k in axes and "attention" in v.path
    }
    assert found == {
        "query/kernel": 2,
        "key/kernel": 2,
        "value/kernel": 2,
        "attention_output/kernel": 1,
    }


@only_tensorflow
@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"jit_compile": True}, {}),
        ({"steps_per_execution": 4}, {}),
        ({"run_eagerly": True}, {}),
        ({}, {"use_ema": True, "ema_momentum": 0.9}),
        ({}, {"gradient_accumulation_steps": 2, "weight_decay": 0.01}),
    ],
    ids=["xla", "several", "eager", "ema", "accumulation"],
)
def test_ways_of_compiling(settings, optimizer):
    model = mlp(optimizer=keras.optimizers.SGD(0.1, **optimizer), **settings)
    fit(model, [Pruning(GRADUAL, frequency=2)])
    assert zeros(model) == ([(19, 24), (10, 12)], 0)


def test_mixed_precision():
    if BACKEND == "torch":
        pytest.skip("PyTorch on a CPU lacks some float16 kernels")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = mlp()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = model.optimizer
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    inner = optimizer.inner_optimizer
    fit(model, [Pruning(GRADUAL, frequency=2)], epochs=3)
    assert model.optimizer is optimizer and optimizer.inner_optimizer is inner
    assert zeros(model) == ([(19, 24), (10, 12)], 0)


def test_a_training_without_masks_fills_the_zeros():
    # The mutation that the tests above must catch: pruned once, masks forgotten.
    model = mlp()
    for v in model.trainable_variables:
        if v.name == "kernel":
            array = ops.convert_to_numpy(v)
            v.assign(array * magnitude_mask(array, 0.5))
    assert sparsity(model) == 0.5
    fit(model)
    assert sparsity(model) < 0.2


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_saved_in_the_middle_it_goes_on_bit_for_bit(tmp_path, momentum):
    def fresh():
        return mlp(optimizer=keras.optimizers.SGD(0.1, momentum=momentum))

    callback = Pruning(PolynomialSchedule(0.0, 0.8, 1, 11), frequency=2)
    save = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    whole = fresh()
    fit(whole, [callback, save], epochs=3)
    loaded = keras.models.load_model(tmp_path / "2.keras")
    assert isinstance(loaded.optimizer, MaskedOptimizer)
    assert loaded.optimizer.num_steps == 8
    again = Pruning(PolynomialSchedule(0.0, 0.8, 1, 11), frequency=2)
    fit(loaded, [again], epochs=1)
    for one, other in zip(whole.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert type(loaded.optimizer) is type(whole.optimizer)
    loaded.save(tmp_path / "end.keras")
    plain = keras.models.load_model(tmp_path / "end.keras")
    assert type(plain.optimizer) is type(whole.optimizer)


@only_tensorflow
def test_backup_and_restore_goes_on_bit_for_bit(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def callbacks():
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [Pruning(PolynomialSchedule(0.0, 0.8, 1, 11), frequency=2), backup]

    whole, broken, fresh = mlp(), mlp(), mlp()
    fit(whole, callbacks()[:1], epochs=3)
    with pytest.raises(KeyboardInterrupt):
        fit(broken, [*callbacks(), Stop()], epochs=3)
    assert sparsity(broken) > 0.5
    fit(fresh, callbacks(), epochs=3)
    for one, other in zip(whole.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@only_tensorflow
def test_an_interrupted_fit_goes_on():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    whole, broken = mlp(), mlp()
    callback = Pruning(GRADUAL, frequency=2)
    fit(whole, [Pruning(GRADUAL, frequency=2)])
    with pytest.raises(KeyboardInterrupt):
        fit(broken, [callback, Stop()])
    fit(broken, [callback], epochs=1)
    for one, other in zip(whole.get_weights(), broken.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_has_trained_before_is_pruned_too():
    model = mlp()
    fit(model, epochs=1)  # its step is compiled, without masks
    fit(model, [Pruning(GRADUAL, frequency=2)])
    assert zeros(model) == ([(19, 24), (10, 12)], 0)


def test_a_second_fit_builds_on_the_first():
    model = mlp()
    fit(model, [Pruning(ConstantSchedule(0.5))], epochs=1)
    first = [w == 0 for w in model.get_weights()]
    fit(model, [Pruning(ConstantSchedule(0.5))], epochs=1)  # the same zeros stay
    for zero, w in zip(first, model.get_weights(), strict=True):
        if w.ndim > 1:
            np.testing.assert_array_equal(zero, w == 0)
    fit(model, [Pruning(ConstantSchedule(0.75, 2))], epochs=1)
    assert zeros(model)[0] == [(18, 24), (9, 12)]
    for zero, w in zip(first, model.get_weights(), strict=True):
        if w.ndim > 1:
            assert (w[zero] == 0).all()


@only_tensorflow
def test_rewound_weights_keep_their_mask():
    model = mlp()
    start = model.get_weights()
    fit(model, [Pruning(GRADUAL, frequency=2)])
    ticket = [
        w * (end != 0) if w.ndim > 1 else w
        for w, end in zip(start, model.get_weights(), strict=True)
    ]
    model.set_weights(ticket)
    fit(model, [Pruning(ConstantSchedule(sparsity(model)), scope="global")])
    for before, after in zip(ticket, model.get_weights(), strict=True):
        if before.ndim > 1:
            np.testing.assert_array_equal(before == 0, after == 0)


@only_tensorflow
def test_what_is_chosen_is_pruned():
    model = mlp()
    fit(
        model,
        [Pruning(GRADUAL, prunable=lambda v: tuple(v.shape) == (4, 6))],
    )
    assert zeros(model)[0] == [(19, 24), (0, 12)]


def test_a_schedule_that_does_not_end_is_reported():
    model = mlp()
    with pytest.warns(UserWarning, match="ended after 8 steps, the schedule ends at 9"):
        fit(model, [Pruning(PolynomialSchedule(0.0, 0.8, 0, 9), frequency=2)])
    fit(model, [Pruning(PolynomialSchedule(0.0, 0.8, 0, 8), frequency=2)])  # silent


def test_recurrent_kernels_are_prunable():
    gru = layers.GRU(3)
    gru.build((None, 4, 2))
    found = [v.name for v in gru.variables if is_kernel(v)]
    assert found == ["kernel", "recurrent_kernel"]


def test_sparsity_of_arrays():
    assert sparsity([np.zeros(3), np.ones(1)]) == 0.75
    with pytest.raises(ValueError, match="`model` must hold weights"):
        sparsity(np.zeros(0))
    with pytest.raises(ValueError, match="`model` must hold weights"):
        sparsity(keras.Sequential([keras.Input((2,)), layers.ReLU()]))


def test_bad_input():
    nothing = keras.Sequential([keras.Input((4,)), layers.BatchNormalization()])
    with pytest.raises(ValueError, match="nothing to prune among"):
        fit(compiled(nothing), [Pruning(GRADUAL)], classes=4)
    with pytest.raises(TypeError, match="`schedule` must be a function"):
        Pruning(0.5)
    with pytest.raises(ValueError, match="`scope` must be one of"):
        Pruning(GRADUAL, scope="all")
    with pytest.raises(ValueError, match="`sparsity` must be 0.5"):
        Pruning(GRADUAL, granularity="2:4")
    with pytest.raises(TypeError, match="`prunable` must be a function"):
        Pruning(GRADUAL, prunable="kernel")
    with pytest.raises(ValueError, match="`frequency` must be at least 1"):
        Pruning(GRADUAL, frequency=0)
    stack = [keras.Input((4, 4, 2)), layers.Conv2DTranspose(2, 3), layers.Flatten()]
    model = compiled(keras.Sequential(stack))
    with pytest.raises(ValueError, match="`granularity` must be 'weight' for"):
        fit(
            model,
            [Pruning(ConstantSchedule(0.5), granularity="channel")],
            shape=(4, 4, 2),
        )
