"""Structure: how a net starts, is adapted, thinned and found.

Modules that need no Keras import neither Keras nor a backend.
"""

from aiarch._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "evolution": ["evolve"],
        "fine_tuning": ["fine_tune"],
        "initialization": ["LayerSignal", "SignalPropagation", "signal_propagation"],
        "low_rank": ["add_lora", "merge_lora"],
        "magnitude_masks": ["magnitude_mask"],
        "masked_optimizer": ["MaskedOptimizer"],
        "population_history": ["Population", "Stage"],
        "population_rules": ["perturb", "resample", "tournament", "truncation"],
        "population_store": ["StageStore"],
        "population_training": ["population_based_training"],
        "pruning": ["Pruning", "sparsity"],
        "pruning_schedules": ["ConstantSchedule", "PolynomialSchedule"],
        "small_nets": ["SMALL_NETS", "small_net"],
        "tuning_stages": ["TuningStage"],
    },
)
