import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from aiarch.structure import magnitude_mask
from aiarch.structure.mask_updates import updated_masks

pytestmark = pytest.mark.backend
SHAPES = [(6, 8), (3, 3, 4, 2), (10,)]
AXES = [1, 2, 1]


def arrays(seed, few_values, dtype="float32"):
    rng = np.random.default_rng(seed)
    if few_values:
        return [rng.integers(-2, 3, size=s).astype(dtype) / 2 for s in SHAPES]
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def updated(weights, masks, counts, granularity="weight", scope="layer", axes=AXES):
    new = updated_masks(
        [ops.convert_to_tensor(w) for w in weights],
        [ops.convert_to_tensor(m) for m in masks],
        ops.convert_to_tensor(np.array(counts, "int32")),
        granularity=granularity,
        scope=scope,
        num_channel_axes=axes,
    )
    return [ops.convert_to_numpy(mask) for mask in new]


def ones(weights):
    return [np.ones(w.shape, bool) for w in weights]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.booleans(), st.floats(0, 0.99))
def test_weights_equal_magnitude_mask(seed, few_values, sparsity):
    weights = arrays(seed, few_values)
    for scope in ("layer", "global"):
        sizes = [w.size for w in weights]
        sizes = [sum(sizes)] if scope == "global" else sizes
        counts = [round(sparsity * size) for size in sizes]
        wanted = magnitude_mask(weights, sparsity, scope=scope)
        for mask, want in zip(
            updated(weights, ones(weights), counts, scope=scope), wanted, strict=True
        ):
            np.testing.assert_array_equal(mask, want)


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.6])
def test_channels_equal_magnitude_mask(scope, sparsity):
    weights, axes = arrays(3, False)[:2], AXES[:2]
    wanted = [
        magnitude_mask(w, sparsity, "channel", num_channel_axes=a)
        for w, a in zip(weights, axes, strict=True)
    ]
    counts = [round(sparsity * n) for n in (8, 8)]
    if scope == "global":  # of one kind, so that one call is the oracle
        weights, axes = [weights[0], 2 * weights[0][:, :4]], [1, 1]
        wanted = magnitude_mask(weights, sparsity, "channel")
        counts = [round(sparsity * 12)]
    found = updated(weights, ones(weights), counts, "channel", scope, axes)
    for mask, want in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mask, want)


@pytest.mark.parametrize("few_values", [False, True])
def test_two_of_four_equals_magnitude_mask(few_values):
    weights = arrays(4, few_values)[:2]
    found = updated(weights, ones(weights), [0, 0], "2:4", axes=AXES[:2])
    for mask, w, axes in zip(found, weights, AXES[:2], strict=True):
        want = magnitude_mask(w, 0.5, "2:4", num_channel_axes=axes)
        np.testing.assert_array_equal(mask, want)


def test_what_is_pruned_stays_pruned_and_counts():
    weights = [np.array([5.0, 0.0, 3.0, 0.0, 1.0], "float32")]
    masks = [np.array([True, True, True, False, True])]
    # The pruned zero counts before the zero that is not; then the smallest follow.
    for count, kept in ((0, 4), (1, 4), (2, 3), (3, 2)):
        mask = updated(weights, masks, [count], axes=[1])[0]
        assert mask.sum() == kept and not mask[3]
    assert updated(weights, masks, [2], axes=[1])[0].tolist() == [1, 0, 1, 0, 1]


def test_extremes_are_ordered():
    tiny = np.float32(1e-38)
    weights = [np.array([tiny, -1e38, np.inf, 1e-30, -0.0], "float32")]
    mask = updated(weights, ones(weights), [3], axes=[1])[0]
    assert mask.tolist() == [False, True, True, False, False]
    # Of equal infinities the first goes first; what is no number stays.
    weights = [np.array([np.nan, np.inf, 1.0, -np.inf], "float32")]
    for count, want in ((2, [1, 0, 0, 1]), (3, [1, 0, 0, 0]), (4, [1, 0, 0, 0])):
        assert updated(weights, ones(weights), [count], axes=[1])[0].tolist() == want


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_precisions(dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless it is switched on")
    weights = [np.array([1.0, 1.0 + 1e-3, 0.5, 2.0], dtype)]
    if dtype == "float64":
        weights[0][1] = 1.0 - 1e-12  # equal to 1 in float32
    mask = updated(weights, ones(weights), [2], axes=[1])[0]
    want = magnitude_mask(weights[0], 0.5)
    np.testing.assert_array_equal(mask, want)
