"""Large libraries that few processes need: loaded when somebody first asks them for something."""

import importlib
import importlib.util
import sys
import threading
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

LOCK = threading.Lock()


class Later(types.ModuleType):
    """Stands for a library until then: `import pandas as pd` stays as it is, and costs nothing.

    `importlib.util.LazyLoader` lets a second thread see a module half loaded (before Python 3.12).
    """

    def __getattr__(self, name: str) -> Any:
        """Load the library, let it take its place and return what it has under this name."""
        with LOCK:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        value = getattr(importlib.import_module(self.__name__), name)
        self.__dict__[name] = value
        return value


class There(Loader):
    """Gives a module that is there already, as it is."""

    def __init__(self, module: types.ModuleType) -> None:
        """Take the module; what is written into it here is taken back."""
        self.module, self.spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Return the module."""
        del spec  # it tells of the same
        return self.module

    def exec_module(self, module: types.ModuleType) -> None:
        """Run nothing twice."""
        module.__spec__ = self.spec


class PartsOnce(MetaPathFinder):
    """Keeps `import docx.oxml` from loading a part of a waiting library a second time.

    The import asks the library where its parts lie; it loads then, this part too, and the import,
    which has looked before, would load another one beside it.
    """

    def __init__(self) -> None:
        """Know no library yet."""
        self.names: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the part that is there, None for all others."""
        known = target is None and path and fullname.partition(".")[0] in self.names
        found = sys.modules.get(fullname) if known else None
        return None if found is None else ModuleSpec(fullname, There(found))


PARTS = PartsOnce()


def later(*names: str) -> None:
    """Let libraries wait that nobody has loaded yet."""
    if PARTS not in sys.meta_path:
        sys.meta_path.insert(0, PARTS)
    PARTS.names.update(names)
    for name in names:
        if name not in sys.modules:
            waiting = Later(name)
            waiting.__spec__ = importlib.util.find_spec(name)  # who asks whether it is there
            sys.modules[name] = waiting
