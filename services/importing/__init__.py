"""Imports: files and a mapping become a plan, the plan one short transaction.

`prepare` reads and checks everything and writes nothing; `write` does it. A file and a form
refuse the same text with the same words (services/fields.py, services/texts.py).
"""

from services.importing.mapping import Mapping, load
from services.importing.plan import FilePlan, Plan
from services.importing.planning import prepare
from services.importing.problems import BadFile, Problem
from services.importing.workbook import error_workbook
from services.importing.writing import counts_of, keep_problems, write

__all__ = [
    "BadFile",
    "FilePlan",
    "Mapping",
    "Plan",
    "Problem",
    "counts_of",
    "error_workbook",
    "keep_problems",
    "load",
    "prepare",
    "write",
]
