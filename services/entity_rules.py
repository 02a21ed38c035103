"""Loads the rules of every noun and bulk verb; whoever saves records imports this.

They register themselves where they stand: a new file needs no line here.
"""

import importlib
import pkgutil

import services

for _found in pkgutil.walk_packages(services.__path__, "services."):
    if _found.name != __name__:
        importlib.import_module(_found.name)
