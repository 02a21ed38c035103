"""Files and a mapping → a plan: everything is checked here, nothing is written.

All rows are read before any is judged, so what a row refers to may stand further down or in another
file. A row that fails keeps out its own record and what points at it, and nothing else.
"""

import collections
import datetime as dt
import hashlib

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import payment
from services.actor import Actor, demand
from services.errors import Invalid
from services.importing import formed, lining, outcomes, totals
from services.importing.finding import Finder
from services.importing.grouping import Groups
from services.importing.mapping import MODELS, FileMap, Mapping, past_of
from services.importing.nouns import Judge
from services.importing.plan import FilePlan, Plan, Planned
from services.importing.problems import Problem
from services.importing.reading import REMARKS, Sheet, limits_of, read
from services.importing.resolving import Resolver
from services.importing.settling import Settler
from services.importing.told import Reader
from services.records import Call

File = tuple[str, bytes]
# What others refer to is settled first, whatever the order of the files.
RANK = sorted(MODELS, key=lambda noun: m.entity_of(MODELS[noun]).imports.rank)


def prepare(
    session: Session, files: list[File], mapping: Mapping, *, by: Actor, now: dt.datetime
) -> Plan:
    """Return the plan of a run. Raises Forbidden, BadFile or Invalid when there can be none."""
    limits = limits_of(session)
    sheets = []
    for name, content in files:
        _ask(mapping, mapping.file_for(name), by)
        digest = hashlib.sha256(content).hexdigest()
        sheets.append((read(name, content, limits), digest))
    return prepare_sheets(session, sheets, mapping, by=by, now=now)


def prepare_sheets(
    session: Session,
    sheets: list[tuple[Sheet, str]],
    mapping: Mapping,
    *,
    by: Actor,
    now: dt.datetime,
) -> Plan:
    """Return the plan of files that were read already, each with its digest."""
    planner = Planner(mapping, Call(session, by, now))
    with payment.together(session):
        for sheet, digest in sheets:
            found = mapping.file_for(sheet.name)
            _ask(mapping, found, by)
            planner.add(FilePlan(sheet, found, digest))
        return planner.finish()


def _ask(mapping: Mapping, found: FileMap, by: Actor) -> None:
    for target in found.targets:
        demand(by, f"{target.noun}:import")
        if formed.applies(target.model, historic=mapping.historic):
            demand(by, f"{target.noun}:create")
        past = past_of(target.model) & target.fields.keys()
        if past and not mapping.historic:
            raise Invalid({min(past): _("只有导入历史数据时才能给出此日期")})
    if mapping.historic:
        demand(by, "import:approved")


class Planner:
    """Puts the files of one run together; any row may refer to any other one."""

    def __init__(self, mapping: Mapping, call: Call) -> None:
        """Start an empty plan."""
        self.mapping, self.plan = mapping, Plan(mapping)
        self.finder = Finder(call.session)
        self.judge = Judge(call, mapping.approval)
        self.resolver = Resolver(call.session, mapping, self.finder, call.by)
        self.groups = Groups(self.plan.files)
        self.readers: list[tuple[Reader, FilePlan]] = []

    def add(self, file: FilePlan) -> None:
        """Read the rows of one file."""
        place = len(self.plan.files)
        self.plan.files.append(file)
        file.problems += file.sheet.problems
        if not _columns(file):
            return
        unread = {problem.line for problem in file.sheet.problems if problem.fatal}
        for target in file.map.targets:
            reader = Reader(self.finder, self.mapping, target, place)
            self.readers.append((reader, file))
            for row in reader.rows(file, self.judge):
                row.unread = row.line in unread
                self.groups.put(row)

    def finish(self) -> Plan:
        """Return the plan, once all rows are there."""
        by_model: dict[str, list[Planned]] = collections.defaultdict(list)
        for one in self.groups.records:
            by_model[one.target.noun].append(one)
            if not one.failed:
                self.finder.expect(one)
        for one in self.groups.records:
            for row in one.rows:
                self.resolver.mention(row)
        ranked = [by_model[noun] for noun in RANK if noun in by_model]
        settlers = [self._found(records) for records in ranked]
        for settler, records in zip(settlers, ranked, strict=True):
            for one in sorted(records, key=formed.later):
                settler.settle(one)
        self._close(settlers)
        return self.plan

    def _found(self, records: list[Planned]) -> Settler:
        """Look up what records refer to, and which of them are there already."""
        for one in records:
            self.resolver.resolve(one)
            lining.check(one)
        settler = Settler(self.judge, self.mapping, records[0].model)
        settler.match(records)
        model = settler.model
        self.resolver.there |= {(model, one.id): one for one in records if one.id is not None}
        return settler

    def _close(self, settlers: list[Settler]) -> None:
        """Keep out what points at what is kept out, and tell what became of every row."""
        records, files = self.groups.records, self.plan.files
        outcomes.spread(records)
        good = [one for one in records if one.outcome != "failed"]
        made = outcomes.still_wanted(self.resolver.made, good)
        for one in made:
            files[one.file].count(one.target.noun, "extra")
        self.plan.records = made + sorted(good, key=lambda one: RANK.index(one.target.noun))
        outcomes.tell(records, files)
        for place, file in enumerate(files):
            if any(read is file for _reader, read in self.readers):
                totals.tell(file, place, records)
        for settler in settlers:
            settler.sum_up(files)
        for reader, file in self.readers:
            reader.sum_up(file)


def _columns(file: FilePlan) -> bool:
    """Compare the columns that are there with those that are meant; tell whether all are."""
    used = {column for t in file.map.targets for s in t.sources for column in s.columns}
    there = set(file.sheet.head)
    for column in sorted(used - there):
        reason = _("文件中没有映射所说的列")
        file.problems.append(Problem(0, column, "", "NO_COLUMN", reason))
    for column in file.sheet.head:
        if column not in used | set(file.map.ignore) | set(REMARKS):
            reason = _("此列没有映射，不会导入")
            file.problems.append(Problem(0, column, "", "NOT_MAPPED", reason, fatal=False))
    left = [column for column in file.sheet.head if column in set(file.map.ignore) - used]
    if left:
        reason = _("按映射不导入：%(columns)s", columns="、".join(left))
        file.problems.append(Problem(0, "", "", "IGNORED", reason, fatal=False))
    return used <= there
