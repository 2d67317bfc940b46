"""Load submodules when a name of theirs is first used (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def attach(
    package: str, exports: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make a package's `__getattr__`, `__dir__` and `__all__` from its exports.

    A package assigns the three at its top level; `from package import name` then
    imports the submodule that defines `name`, and no other.

    Args:
        package: `__name__` of the package.
        exports: for each submodule, the public names that it defines.

    Returns:
        The functions `__getattr__` and `__dir__`, and the sorted list `__all__`.

    Raises:
        ValueError: if two submodules export the same name.
    """
    home: dict[str, str] = {}
    for module, names in exports.items():
        for name in names:
            if name in home:
                raise ValueError(
                    f"exports of {package!r}: {name!r} is in both {home[name]!r} and "
                    f"{module!r}; export each name from one module."
                )
            home[name] = module
    public = sorted(home)
    reachable = {*public, *exports}

    def __getattr__(name: str) -> Any:
        if name in home:
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        elif name in exports:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *reachable})

    return __getattr__, __dir__, public
