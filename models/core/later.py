"""Large libraries that few processes need: loaded when somebody first asks them for something."""

import importlib
import importlib.util
import sys
import threading
import types
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


def later(*names: str) -> None:
    """Let libraries wait that nobody has loaded yet."""
    for name in names:
        if name not in sys.modules:
            waiting = Later(name)
            waiting.__spec__ = importlib.util.find_spec(name)  # who asks whether it is there
            sys.modules[name] = waiting
