"""The byte-level transformer of the book's second running example.

Chapter: foundations/measuring
"""

import math

import keras
import numpy as np
from keras import layers

_NUM_BYTES = 256


@keras.saving.register_keras_serializable(package="aiarch")
class PositionEmbedding(layers.Layer):
    """Adds a learned vector for each position to a sequence of vectors."""

    def __init__(self, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        """Create one vector for each position of the input."""
        self.positions = self.add_weight(
            name="positions", shape=input_shape[1:], initializer=self.initializer
        )

    def call(self, inputs):
        """Add the vectors: (n, length, width) to (n, length, width)."""
        return inputs + self.positions

    def count_flops(self, input_shape, output_shape):
        """Count one addition an element; see `aiarch.foundations.count_flops`."""
        return math.prod(output_shape)

    def get_config(self):
        """Describe the layer for saving."""
        initializer = keras.initializers.serialize(self.initializer)
        return {**super().get_config(), "initializer": initializer}


def byte_transformer(
    sequence_length: int = 128,
    width: int = 96,
    num_blocks: int = 3,
    num_heads: int = 4,
    seed: int = 0,
) -> keras.Model:
    """Build a causal transformer that predicts the next byte at every position.

    Blocks normalize first, then attend or transform, then add. A block of width `d`
    has 12d² + 13d parameters. At the defaults the model has 24,576 (bytes) + 12,288
    (positions) + 3 × 111,840 (blocks) + 192 (last normalization) + 24,832 (output)
    = 397,408.

    Args:
        sequence_length: bytes in one input, at least 1.
        width: size of the vectors, a multiple of `num_heads`.
        num_blocks: number of blocks, at least 1.
        num_heads: attention heads, at least 1.
        seed: non-negative integer; the same seed gives the same initial weights.

    Returns:
        A functional model, int32 bytes (n, sequence_length) to logits
        (n, sequence_length, 256). The logits at a position depend on no later byte.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from aiarch.foundations import byte_transformer, count_parameters
        >>> count_parameters(byte_transformer())
        397408

    References:
        Vaswani et al., "Attention is all you need", NeurIPS 2017, arXiv:1706.03762.
        Departs from it: decoder only, learned positions, and normalization before
        each part as in Xiong et al., ICML 2020, arXiv:2002.04745.
    """
    counts = {
        "sequence_length": sequence_length,
        "width": width,
        "num_blocks": num_blocks,
        "num_heads": num_heads,
    }
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    if width % num_heads:
        raise ValueError(
            f"width must be a multiple of num_heads={num_heads}, got {width}; choose "
            f"{width - width % num_heads or num_heads}."
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}.")
    rng = np.random.default_rng(seed)

    def glorot():
        return keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))

    def small():
        return keras.initializers.RandomNormal(
            stddev=0.05, seed=int(rng.integers(2**31))
        )

    inputs = keras.Input((sequence_length,), dtype="int32")
    x = layers.Embedding(_NUM_BYTES, width, embeddings_initializer=small())(inputs)
    x = PositionEmbedding(initializer=small())(x)
    for _ in range(num_blocks):
        normalized = layers.LayerNormalization()(x)
        attention = layers.MultiHeadAttention(
            num_heads, width // num_heads, kernel_initializer=glorot()
        )
        attended = attention(normalized, normalized, use_causal_mask=True)
        x = layers.Add()([x, attended])
        hidden = layers.LayerNormalization()(x)
        hidden = layers.Dense(
            4 * width, activation="relu", kernel_initializer=glorot()
        )(hidden)
        hidden = layers.Dense(width, kernel_initializer=glorot())(hidden)
        x = layers.Add()([x, hidden])
    x = layers.LayerNormalization()(x)
    outputs = layers.Dense(_NUM_BYTES, kernel_initializer=glorot())(x)
    return keras.Model(inputs, outputs, name="byte_transformer")
