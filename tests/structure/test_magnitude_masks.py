import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiarch.libraries import import_torch
from aiarch.structure import magnitude_mask

torch = import_torch()
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
FEW_VALUES = hnp.arrays(  # many ties, both zeros, both signs
    "float32",
    hnp.array_shapes(max_dims=4, max_side=5),
    elements=st.sampled_from([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, np.inf]),
)
SPARSITY = st.floats(0, 1, exclude_max=True)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@settings(max_examples=200, deadline=None)
@given(FEW_VALUES, SPARSITY)
def test_count_order_and_ties_of_weights(array, sparsity):
    mask = magnitude_mask(array, sparsity)
    assert mask.shape == array.shape and mask.dtype == bool
    num_pruned = round(sparsity * array.size)
    order = sorted(range(array.size), key=lambda i: (abs(array.flat[i]), i))
    assert set(np.flatnonzero(~mask.ravel())) == set(order[:num_pruned])


@settings(max_examples=50, deadline=None)
@given(st.lists(FEW_VALUES, min_size=1, max_size=4), SPARSITY)
def test_global_is_one_long_array_and_layer_is_each_alone(arrays, sparsity):
    masks = magnitude_mask(arrays, sparsity)
    long = np.concatenate([array.ravel() for array in arrays])
    together = np.concatenate([mask.ravel() for mask in masks])
    np.testing.assert_array_equal(together, magnitude_mask(long, sparsity))
    for array, mask in zip(
        arrays, magnitude_mask(arrays, sparsity, scope="layer"), strict=True
    ):
        np.testing.assert_array_equal(mask, magnitude_mask(array, sparsity))


def test_by_hand():
    weights = np.array([[3.0, -1.0], [2.0, -4.0]])
    assert magnitude_mask(weights, 0.5).tolist() == [[True, False], [False, True]]
    # Halves go to the even number: 2.5 to 2, 3.5 to 4.
    assert (~magnitude_mask(np.arange(5.0), 0.5)).sum() == 2
    assert (~magnitude_mask(np.arange(7.0), 0.5)).sum() == 4
    assert magnitude_mask(np.arange(3.0), 0.9).sum() == 0


@pytest.mark.parametrize(("shape", "axes"), [((6, 5), 1), ((3, 3, 2, 8), 1)])
def test_channels_fall_as_a_whole(shape, axes):
    weights = normal(*shape)
    mask = magnitude_mask(weights, 0.5, "channel", num_channel_axes=axes)
    flat = mask.reshape(-1, shape[-1])
    assert (flat.all(axis=0) | ~flat.any(axis=0)).all()
    norms = np.linalg.norm(weights.reshape(-1, shape[-1]), axis=0)
    pruned = np.argsort(norms)[: round(0.5 * shape[-1])]
    assert set(np.flatnonzero(~flat[0])) == set(pruned)


def test_channels_of_a_depthwise_kernel_are_its_last_two_axes():
    weights = normal(3, 3, 4, 2)
    mask = magnitude_mask(weights, 0.25, "channel", num_channel_axes=2)
    assert sorted(mask.sum(axis=(0, 1)).ravel()) == [0, 0, 9, 9, 9, 9, 9, 9]


def test_channels_of_several_arrays_compete_by_their_mean_square():
    long, short = np.full((100, 2), 0.5), np.full((1, 2), 0.6)
    masks = magnitude_mask([long, short], 0.5, "channel")  # the norms: 5.0 and 0.6
    assert not masks[0].any() and masks[1].all()


def test_two_of_four():
    weights = np.array([[1.0, 4.0], [3.0, 3.0], [2.0, 2.0], [2.0, 1.0], [0.0, 0.0]])
    mask = magnitude_mask(weights, 0.5, "2:4")
    assert mask[:, 0].tolist() == [False, True, False, True, True]  # tie: lower index
    assert mask[:, 1].tolist() == [True, True, False, False, True]
    kernel = magnitude_mask(normal(3, 3, 8, 5), 0.5, "2:4")
    assert (kernel.reshape(-1, 4, 5).sum(axis=1) == 2).all()
    assert magnitude_mask(normal(3, 2), 0.5, "2:4").all()


@needs_torch
@pytest.mark.parametrize("amount", [0.1, 0.5, 0.83, 0.99])
def test_equals_pytorch(amount):
    from torch.nn.utils import prune

    shapes = [(30, 20), (5, 5, 3, 8), (7, 40)]
    arrays = [normal(*shape, seed=k) for k, shape in enumerate(shapes)]
    modules = []
    for array in arrays:
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.tensor(array))
        modules.append(module)
    prune.global_unstructured(
        [(module, "weight") for module in modules],
        pruning_method=prune.L1Unstructured,
        amount=amount,
    )
    for mask, module in zip(magnitude_mask(arrays, amount), modules, strict=True):
        np.testing.assert_array_equal(mask, module.weight_mask.numpy() == 1)
    for array in arrays:
        for granularity in ("weight", "channel"):
            module = torch.nn.Module()
            module.weight = torch.nn.Parameter(torch.tensor(array))
            if granularity == "weight":
                prune.l1_unstructured(module, "weight", amount=amount)
            else:
                prune.ln_structured(module, "weight", amount=amount, n=2, dim=-1)
            mask = magnitude_mask(array, amount, granularity)
            np.testing.assert_array_equal(mask, module.weight_mask.numpy() == 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(3), 1.0), ValueError, r"`sparsity` must .* \[0, 1\), got 1.0"),
        ((np.ones(3), -0.1), ValueError, "`sparsity` must .*, got -0.1"),
        ((np.ones(3), "0.5"), TypeError, "`sparsity` must be a number"),
        ((np.array([1, np.nan]), 0.5), ValueError, "must not hold NaN, got 1"),
        ((np.ones((0, 3)), 0.5), ValueError, r"must not be empty, got shape \(0, 3\)"),
        (([], 0.5), ValueError, "at least one array"),
        ((np.array(["a"]), 0.5), TypeError, "must be real numbers"),
        ((np.ones(3, complex), 0.5), TypeError, "must be real numbers"),
        ((np.ones(3), 0.5, "row"), ValueError, "`granularity` must be one of"),
        ((np.ones((4, 2)), 0.6, "2:4"), ValueError, "`sparsity` must be 0.5"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        magnitude_mask(*arguments)


def test_bad_keywords():
    with pytest.raises(ValueError, match="`scope` must be one of"):
        magnitude_mask([np.ones(3)], 0.5, scope="all")
    with pytest.raises(ValueError, match="`num_channel_axes` must be 1 or 2"):
        magnitude_mask(np.ones(3), 0.5, "channel", num_channel_axes=2)
