"""Floating-point operations of a model, counted from its layers.

Chapter: foundations/measuring
"""

from typing import Any

import keras

from aiarch.foundations.layer_flops import Shape, count_layer


def count_flops(model: keras.Model, count_padding: bool = False) -> int:
    """Count the floating-point operations of one forward pass on one sample.

    A multiplication and an addition are two operations, also where hardware fuses
    them: Equation (10), `eq-measuring-dense`, for dense layers and
    Equation (11), `eq-measuring-conv`, for convolutions, each with its bias. Counted
    too are attention over all pairs of positions (a causal mask saves nothing),
    pooling, normalization at inference, activations, additions of layers. Not
    counted are exponentials and other transcendental functions, and what moves data
    without computing: reshaping, look-ups, dropout at inference.

    Args:
        model: a functional or sequential Keras model whose shapes are known.
        count_padding: also count multiplications with the zeros around the image of
            a `"same"` convolution, as many tools do. XLA does not.

    Returns:
        The number of operations.

    Raises:
        ValueError: if the model is subclassed or unbuilt, a size is unknown, or a
            layer's operations are not known. A layer of your own is counted if it
            has a method `count_flops(input_shape, output_shape)`.

    Example:
        >>> from aiarch.foundations import count_flops, mlp
        >>> count_flops(mlp((20,), hidden_units=(), num_classes=10))
        410
    """
    return sum(flops_by_layer(model, count_padding).values())


def flops_by_layer(model: keras.Model, count_padding: bool = False) -> dict[str, int]:
    """Count the floating-point operations of each layer, for one sample.

    Args:
        model: as for `count_flops`.
        count_padding: as for `count_flops`.

    Returns:
        Operations by layer name, in the order of execution. A layer used twice has
        the sum.

    Raises:
        ValueError: as for `count_flops`.

    Example:
        >>> from aiarch.foundations import flops_by_layer, mlp
        >>> list(flops_by_layer(mlp((20,), (5,), 10)).values())
        [210, 110]
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"model must be a Keras model, got {type(model).__name__}.")
    counts: dict[str, int] = {}
    for node in _nodes(model):
        operation = node.operation
        inputs = [_sizes(tensor, operation) for tensor in node.input_tensors]
        outputs = [_sizes(tensor, operation) for tensor in node.output_tensors]
        if isinstance(operation, keras.Model):
            flops = count_flops(operation, count_padding)
        else:
            flops = count_layer(operation, inputs, outputs[0], count_padding)
        counts[operation.name] = counts.get(operation.name, 0) + flops
    return counts


def xla_flops(model: keras.Model) -> dict[str, float]:
    """Ask XLA's cost analysis for the operations of one forward pass.

    Only under the JAX backend. XLA counts on the program as Keras wrote it down,
    before the compiler rewrites it.

    Args:
        model: a built Keras model.

    Returns:
        `flops` and `transcendentals` for one sample.

    Raises:
        RuntimeError: if the backend is not JAX.

    Example:
        >>> from aiarch.foundations import mlp, xla_flops
        >>> xla_flops(mlp((20,), (), 10))["flops"]  # doctest: +SKIP
        410.0
    """
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            f"xla_flops needs the JAX backend, got {keras.backend.backend()!r}; start "
            "Python with KERAS_BACKEND=jax."
        )
    import jax

    def forward(trainable, fixed, x):
        return model.stateless_call(trainable, fixed, x, training=False)[0]

    trainable = [variable.value for variable in model.trainable_variables]
    fixed = [variable.value for variable in model.non_trainable_variables]
    x = jax.numpy.zeros((1, *model.input_shape[1:]), model.inputs[0].dtype)
    cost = jax.jit(forward).lower(trainable, fixed, x).cost_analysis()
    return {key: cost.get(key, 0.0) for key in ("flops", "transcendentals")}


def _nodes(model: keras.Model) -> list:
    """Calls of layers in the model's graph, in the order of execution."""
    try:
        graph = keras.Model(model.inputs, model.outputs)
        by_depth = graph._nodes_by_depth
    except (AttributeError, ValueError, TypeError) as error:
        raise ValueError(
            f"model {model.name!r} has no graph of layers: it is subclassed or not "
            "built. Build it, write it as a functional model, or use xla_flops."
        ) from error
    ordered = [
        node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]
    ]
    return [node for node in ordered if not node.is_input]


def _sizes(tensor: Any, operation: Any) -> Shape:
    sizes = tuple(tensor.shape[1:])
    if None in sizes:
        raise ValueError(
            f"model must have known sizes, but layer {operation.name!r} meets "
            f"{tuple(tensor.shape)}; build the model with a fixed input shape."
        )
    return sizes
