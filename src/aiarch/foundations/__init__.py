"""Foundations: data, models and measures that every other part stands on."""

from aiarch._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "datasets": ["Dataset", "load_dataset"],
        "data_files": ["count_shared"],
        "layer_flops": ["count_layer"],
        "models": ["lenet5", "lenet_300_100", "mlp", "small_resnet"],
        "transformer": ["PositionEmbedding", "byte_transformer"],
        "flops": ["count_flops", "flops_by_layer", "xla_flops"],
        "measuring": ["Latency", "count_parameters", "measure_latency", "size_bytes"],
        "intervals": ["Interval", "bootstrap_interval"],
        "scoreboard": ["Scoreboard"],
    },
)
