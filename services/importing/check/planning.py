"""Files and a mapping → a plan: everything is checked here, nothing is written.

All rows are read before any is judged, so what a row refers to may stand further down or in another
file. A row that fails keeps out its own record and what points at it, and nothing else.
"""

import collections
import functools
import hashlib
from collections.abc import Iterable, Iterator

from flask_babel import lazy_gettext as _

from models.registry import entity_of
from services.core.days import today
from services.core.errors import Invalid
from services.deals import payment
from services.importing.check import form_records, line_matching, row_outcomes
from services.importing.check.cell_values import Reader
from services.importing.check.finding import Finder
from services.importing.check.noun_rules import Judge
from services.importing.check.record_outcomes import Done, Settler
from services.importing.check.resolving import Resolver
from services.importing.check.windows import Windows
from services.importing.file import totals
from services.importing.file.grouping import Groups
from services.importing.file.mapping import FileMap, Mapping, Target
from services.importing.file.plan import FilePlan, Plan, Planned
from services.importing.file.problems import Problem
from services.importing.file.reading import REMARKS, Limits, limits_of, read
from services.importing.file.sheets import Sheet
from services.importing.mapping.declared import MODELS, inputs_for, parts_of, past_of, ways_to
from services.rights.actor import Actor, demand
from services.rights.call import Call

File = tuple[str, bytes]
# What others refer to is settled first, whatever the order of the files.
RANK = sorted(MODELS, key=lambda noun: entity_of(MODELS[noun]).imports.rank)
RANK_SET = frozenset(RANK)


def prepare(
    call: Call,
    files: Iterable[File],
    mapping: Mapping,
    *,
    done: Done | None = None,
    limits: Limits | None = None,
    window: int = 0,
) -> Plan:
    """Return the plan of a run. Raises Forbidden, BadFile or Invalid when there can be none.

    `done` are records that an unfinished run of the same files wrote.
    """
    limits = limits or limits_of(call.session)
    sheets = []
    for name, content in files:
        found = mapping.file_for(name)
        _ask(mapping, found, call.by)
        digest = hashlib.sha256(content).hexdigest()
        sheets.append((read(name, content, limits, found.where()), digest))
        del content
    return prepare_sheets(call, sheets, mapping, done=done, window=window)


def prepare_sheets(
    call: Call,
    sheets: list[tuple[Sheet, str]],
    mapping: Mapping,
    *,
    done: Done | None = None,
    window: int = 0,
) -> Plan:
    """Return the plan of files that were read already, each with its digest.

    Where they have more rows than a `window` (0 for any number), what nothing of the run points at
    is planned so many rows at a time, and planned again when it is written.
    """
    planner = Planner(mapping, call)
    planner.done = done or planner.done
    if window and sum(len(sheet.rows) for sheet, _digest in sheets) > window:
        planner.windows.begin([mapping.file_for(sheet.name) for sheet, _digest in sheets], window)
    with payment.together(call.session):
        for sheet, digest in sheets:
            found = mapping.file_for(sheet.name)
            _ask(mapping, found, call.by)
            planner.add(FilePlan(sheet, found, digest))
        return planner.finish()


def _ask(mapping: Mapping, found: FileMap, by: Actor) -> None:
    for target in found.targets:
        demand(by, f"{target.noun}:import")
        if form_records.applies(target.model, historic=mapping.historic):
            demand(by, f"{target.noun}:create")
        if any(_sensitive(target)):
            demand(by, "sensitive:read")
        past = past_of(target.model) & (target.fields.keys() | target.lines.keys())
        if past and not mapping.historic:
            raise Invalid({min(past): _("只有导入历史数据时才能填写此日期")})
    if mapping.historic:
        demand(by, "import:approved")


def _sensitive(target: Target) -> Iterator[bool]:
    """Yield whether a reference is looked up by what only some may see."""
    inputs = inputs_for(target.model)
    parts = [(target.fields, inputs)]
    parts += [(part, parts_of(target.model, key)) for key, part in target.lines.items()]
    for fields, known in parts:
        for key, source in fields.items():
            if source.by:
                yield ways_to(known[key].target)[source.by].facts.sensitive


class Planner:
    """Puts the files of one run together; any row may refer to any other one."""

    def __init__(self, mapping: Mapping, call: Call) -> None:
        """Start an empty plan."""
        self.mapping, self.plan = mapping, Plan(mapping)
        self.finder = Finder(call.session, mapping.source)
        self.judge = Judge(call, mapping.approval)
        self.resolver = Resolver(call.session, mapping, self.finder, call.by)
        self.resolver.files = self.plan.files
        self.groups = Groups(self.plan.files)
        self.readers: list[tuple[Reader, FilePlan]] = []
        self.windows = Windows(self.judge, self.resolver, self.settle)
        self.done = Done()
        self.gaps: collections.Counter[row_outcomes.Gap] = collections.Counter()

    def add(self, file: FilePlan) -> None:
        """Read the rows of one file."""
        place = len(self.plan.files)
        self.plan.files.append(file)
        file.problems += file.sheet.problems
        if not _columns(file):
            return
        unread = frozenset(problem.line for problem in file.sheet.problems if problem.fatal)
        for target in file.map.targets:
            reader = Reader(self.finder, self.mapping, target, place)
            reader.unread = unread
            self.readers.append((reader, file))
            if target.noun in self.windows.nouns:
                self.windows.add(reader, file)
                continue
            rows = (row for _place, row in reader.meant(file))
            for row in reader.read(file, self.judge, rows):
                self.groups.put(row)

    def finish(self) -> Plan:
        """Return the plan, once all rows are there."""
        for one in self.groups.records:
            if one.failed:
                self.finder.give_up(one)
            else:
                self.finder.expect(one)
        for one in self.groups.records:
            for row in one.rows:
                self.resolver.mention(row)
        self.windows.mention()
        self.settle(self.groups.records, self.judge)
        self._close()
        return self.plan

    def settle(self, records: list[Planned], judge: Judge) -> None:
        """Tell of records what becomes of them: what others refer to goes first."""
        by_model: dict[str, list[Planned]] = collections.defaultdict(list)
        for one in records:
            by_model[one.target.noun].append(one)
        ranked = [by_model[noun] for noun in RANK if noun in by_model]
        settlers = [self._found(mine, judge) for mine in ranked]
        for settler, mine in zip(settlers, ranked, strict=True):
            for one in sorted(mine, key=form_records.later):
                settler.settle(one)

    def _found(self, records: list[Planned], judge: Judge) -> Settler:
        """Look up what records refer to, and which of them are there already."""
        for one in records:
            self.resolver.resolve(one)
            line_matching.check(one, today(judge.call.now))
        settler = Settler(judge, self.mapping, records[0].model)
        settler.done, settler.gaps = self.done, self.gaps
        settler.match(records)
        self.resolver.keep(records, settler.matcher.records)
        if records[0].target.noun not in self.windows.nouns:
            there = {(settler.model, one.id): one for one in records if one.id is not None}
            self.resolver.there |= there
        return settler

    def _close(self) -> None:
        """Keep out what points at what is kept out, and tell what became of every row."""
        records, files = self.groups.records, self.plan.files
        row_outcomes.spread(records)
        row_outcomes.tell(records, files)
        read = [n for n, file in enumerate(files) if any(f is file for _r, f in self.readers)]
        plain = RANK_SET - self.windows.nouns
        for n in read:
            totals.add_up(files[n], files[n].sheet.rows, records, (n, plain))
        good = [one for one in records if one.outcome != "failed"]
        wanted = self.windows.check(files, [one for one in records if one.outcome == "failed"])
        made = row_outcomes.still_wanted(self.resolver.made, good, wanted)
        for one in made:
            files[one.file].count(one.target.noun, "extra")
        self.plan.records = made + sorted(good, key=lambda one: RANK.index(one.target.noun))
        if self.windows.parts:
            self.plan.later = functools.partial(self.windows.again, files)
        self.plan.awaited, self.plan.ordered = self.windows.awaited, self.windows.ordered
        self.plan.held = self.windows.held
        row_outcomes.tell_skipped(files)
        for n in read:
            totals.tell(files[n])
        row_outcomes.tell_gaps(self.gaps, files)
        row_outcomes.tell_again(self.judge.call.session, files)
        for reader, file in self.readers:
            reader.sum_up(file)
        for file in files:
            file.sum_up()
            row_outcomes.tell_left(file)


def _columns(file: FilePlan) -> bool:
    """Compare the columns that are there with those that are meant; tell whether all are."""
    used = file.map.columns
    there = set(file.sheet.head)
    for column in sorted(used - there):
        reason = _("文件中没有列对应里的列")
        file.problems.append(Problem(0, column, "", "NO_COLUMN", reason))
    for column in file.sheet.head:
        if column not in used | set(file.map.ignore) | set(REMARKS):
            reason = _("此列没有对应的字段，不会导入")
            file.problems.append(Problem(0, column, "", "NOT_MAPPED", reason, fatal=False))
    left = [column for column in file.sheet.head if column in set(file.map.ignore) - used]
    if left:
        reason = _("按列对应不导入：%(columns)s", columns="、".join(left))
        file.problems.append(Problem(0, "", "", "IGNORED", reason, fatal=False))
    return used <= there
