"""Structure: how a net starts, is adapted, thinned and found."""

from aiarch._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {"initialization": ["LayerSignal", "SignalPropagation", "signal_propagation"]},
)
