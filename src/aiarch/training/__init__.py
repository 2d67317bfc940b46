"""Training: what is chosen around an optimizer, and how to choose it.

Modules that need no Keras import neither Keras nor a backend.
"""

from aiarch._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "halving": ["successive_halving"],
        "journals": ["Journal"],
        "random_sampling": ["random_search"],
        "results": ["Search", "Trial"],
        "spaces": ["Space"],
        "trials": ["run_trials"],
    },
)
