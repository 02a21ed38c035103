"""Imports: files and a mapping become a plan, the plan one short transaction.

`prepare` reads and checks everything and writes nothing; `write` does it. A file and a form
refuse the same text with the same words (services/records/fields.py, services/core/texts.py).
"""

from services.importing.check.planning import prepare
from services.importing.file.mapping import Mapping, load
from services.importing.file.plan import FilePlan, Plan
from services.importing.file.problems import BadFile, Problem
from services.importing.file.workbook import error_workbook
from services.importing.run.job_notes import counts_of, keep_problems
from services.importing.run.writing import write

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
