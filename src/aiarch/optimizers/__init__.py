"""Optimizers: how parameters are changed so that a loss falls.

The NumPy rules and objectives import neither Keras nor a backend.
"""

from aiarch._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "logistic": [
            "gradient_descent",
            "logistic_gradient",
            "logistic_loss",
            "logistic_smoothness",
        ],
        "objectives": [
            "Objective",
            "Trajectory",
            "beale",
            "minimize",
            "quadratic",
            "rosenbrock",
        ],
        "rules": ["Rule", "sgd"],
    },
)
