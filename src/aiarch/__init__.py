"""The AI Architect's Handbook: better, smaller and faster Keras 3 models.

One subpackage for each part of the book. Importing this package, or a
subpackage, imports no backend: what needs Keras is loaded when it is first used.
"""

from aiarch._lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "claims": [],
        "plotting": [],
        "foundations": [],
        "optimizers": [],
        "training": [],
        "structure": [],
    },
)
