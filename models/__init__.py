"""What is: every table of the product. A new entity is one file in its domain's package."""

import importlib
import pkgutil

from models.core.later import later

# 125 MB and a fifth of every start: for the cockpit, portraits, spelling, papers and the demo.
later("pandas", "numpy", "pypinyin", "docx", "docxtpl", "faker")
for _found in pkgutil.walk_packages(__path__, "models."):
    importlib.import_module(_found.name)
importlib.import_module("models.indexes").add_indexes()  # once every table is there
