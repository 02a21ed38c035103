"""Files and a mapping → a plan: everything is checked here, nothing is written.

Rows are told by line and column; a row that fails keeps only itself (and what points at it) out.
"""

import collections
import datetime as dt
import hashlib
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import excess, payment
from services.actor import Actor, demand
from services.errors import Invalid
from services.importing import formed, matching
from services.importing.finding import Finder
from services.importing.mapping import PAST, FileMap, Mapping, Source, Target, inputs_for, past_of
from services.importing.nouns import Judge, complete, defaults, lacking
from services.importing.plan import FilePlan, Plan, Planned
from services.importing.problems import Problem
from services.importing.reading import REMARKS, Sheet, limits_of, read
from services.records import Call

File = tuple[str, bytes]
HANGING = {"contact_id", "opportunity_id", "contract_id"}  # not judged beside no readable customer
TOLD = frozenset({"SIMILAR", excess.OVER, excess.SAME})  # findings that keep no row out
SLUG = "%s@import.example.com"


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
    planner = Planner(session, mapping, by, now)
    with payment.together(session):
        for sheet, digest in sheets:
            found = mapping.file_for(sheet.name)
            _ask(mapping, found, by)
            planner.add(FilePlan(sheet, found, digest))
    return planner.plan


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
    """Puts the files of one run together; later rows may refer to earlier ones."""

    def __init__(self, session: Session, mapping: Mapping, by: Actor, now: dt.datetime) -> None:
        """Start an empty plan."""
        self.session, self.mapping, self.by, self.now = session, mapping, by, now
        self.plan = Plan(mapping)
        self.finder = Finder(session)
        self.judge = Judge(Call(session, by, now), mapping.approval)

    def add(self, file: FilePlan) -> None:
        """Plan the rows of one file."""
        self.plan.files.append(file)
        file.problems += file.sheet.problems
        if _columns(file):
            for target in file.map.targets:
                _Rows(self, file, target).add()


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
    return used <= there


class _Rows:
    """The rows of one file for one entity."""

    def __init__(self, planner: Planner, file: FilePlan, target: Target) -> None:
        self.p, self.file, self.target = planner, file, target
        self.place = len(planner.plan.files) - 1
        self.inputs = inputs_for(target.model)
        self.matcher = matching.Matcher(planner.session, target.model, planner.by)
        self.seen: dict[Any, Planned] = {}
        self.mapped: dict[tuple[str, str, str], set[int]] = collections.defaultdict(set)
        self.gaps: collections.Counter[str] = collections.Counter()
        self.spare: dict[str, Any] = {}
        reviewed = issubclass(target.model, m.Reviewed)
        if not (planner.mapping.historic and reviewed):
            args = {"by": planner.by, "now": planner.now}
            self.spare = defaults(planner.session, target.model, **args)

    def add(self) -> None:
        """Plan every row."""
        sheet = self.file.sheet
        cells = [(n, dict(zip(sheet.head, texts, strict=True))) for n, texts in sheet.rows]
        self._prefetch(cells)
        rows = [self._row(n, row) for n, row in cells]
        for key in self.target.keys:
            known = [one.values.get(key) for one, _found in rows]
            self.matcher.load(key, [v for v in known if not isinstance(v, Planned)])
        before = len(self.file.problems)
        for one, found in sorted(rows, key=lambda row: formed.later(row[0])):
            self._settle(one, found)
        self.file.problems[before:] = sorted(self.file.problems[before:], key=lambda p: p.line)
        self._sum_up()

    def _prefetch(self, cells: list[tuple[int, dict[str, str]]]) -> None:
        for key, source in self.target.fields.items():
            one = self.inputs[key]
            texts = [self._text(source, row) for _n, row in cells]
            if one.kind == "ref":
                self.p.finder.prefetch(one, texts)
            elif self.p.judge.asks(self.target.noun, key):
                self.p.judge.prefetch(self.target.model, key, texts)

    def _text(self, source: Source, row: dict[str, str]) -> str:
        raw = source.raw(row)
        return source.map.get(raw, raw) or source.default

    def _row(self, line: int, row: dict[str, str]) -> tuple[Planned, list[Problem]]:
        one = Planned(self.target, self.place, line, {})
        found: list[Problem] = []
        one.values = self._values(line, row, self.target.fields, self.inputs, found)
        for key, part in self.target.lines.items():
            inputs = inputs_for(self.inputs[key].target)
            values = self._values(line, row, part, inputs, found)
            if any(value is not None for value in values.values()):
                one.lines[key] = [values]
        return one, found

    def _values(  # a row is read by these
        self, line: int, row: dict[str, str], fields: Any, inputs: Any, found: list[Problem]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, source in sorted(fields.items(), key=lambda pair: pair[0] != "customer_id"):
            raw = source.raw(row)
            text = self._text(source, row)
            column = source.columns[0] if source.columns else key
            if raw in source.map:
                self.mapped[column, raw, text].add(line)
            try:
                one = (inputs[key], values.get("customer_id"))
                values[key] = self._value(key, one, source, text) if text else None
            except ValueError as problem:
                code = "FORMULA" if text.startswith("=") else "BAD_VALUE"
                if inputs[key].kind == "ref" and code == "BAD_VALUE":
                    code = "NOT_FOUND"
                found.append(Problem(line, column, text[:200], code, problem.args[0]))
                values[key] = None
            if not text and source.placeholder:
                values[key] = self._placeholder(source)
                reason = _("没有客户，放到「%(name)s」", name=source.placeholder)
                found.append(Problem(line, column, "", "PLACEHOLDER", reason, fatal=False))
            elif not text and key in PAST and key == "created_at":
                found.append(Problem(line, column, "", "NO_DATE", _("没有日期"), fatal=False))
        return values

    def _value(self, key: str, known: tuple[Any, Any], source: Source, text: str) -> Any:
        one, within = known
        if key == "external_ref" and self.p.mapping.source:
            text = f"{self.p.mapping.source}:{text}"
        try:
            value = self.p.finder.value(one, source, text, within=within)
        except ValueError:
            if not source.create:
                raise
            return self._made(one.target, text)
        if not self.p.mapping.historic and self.p.finder.is_off(one, value):
            raise ValueError(_("「%(name)s」已停用", name=text))
        return value

    # -- records that rows only mention ------------------------------------------------------

    def _made(self, model: Any, text: str) -> Planned:
        demand(self.p.by, f"{model.__noun__}:import")
        one = Planned(Target(model.__noun__, {}), self.place, 0, {})
        one.values = {
            "customer": {"company": text},
            "product": {"code": text[:40], "name": text},
            "department": {"name": text},
            "user": {"name": text, "email": SLUG % hashlib.sha256(text.encode()).hexdigest()[:12]},
        }[model.__noun__]
        one.incomplete = model is m.Customer
        return self._extra(one, text)

    def _placeholder(self, source: Source) -> Any:
        ref = f"{self.p.mapping.source or 'import'}:placeholder:{source.placeholder}"[:80]
        waiting = self.p.finder.coming.get((m.Customer, ref))
        if waiting is not None:
            return waiting
        table = m.Customer.__table__
        known = self.p.session.execute(sa.select(table.c.id).where(table.c.external_ref == ref))
        ident = known.scalar()
        if ident is not None:
            return ident
        one = Planned(Target("customer", {}), self.place, 0, {})
        one.values = {"company": source.placeholder, "external_ref": ref}
        one.placeholder = one.incomplete = True
        return self._extra(one, ref)

    def _extra(self, one: Planned, text: str) -> Planned:
        self.p.plan.records.append(one)
        self.p.finder.expect(one.model, one, text)
        self.file.count(one.target.noun, "extra")
        return one

    # -- what becomes of a row -----------------------------------------------------------------

    def _settle(self, one: Planned, found: list[Problem]) -> None:
        self.file.count(self.target.noun, "rows")
        known = next((one.values[k] for k in self.target.keys if one.values.get(k)), None)
        outcome = self._outcome(one, known, found)
        self.file.problems += found
        self.file.count(self.target.noun, outcome)
        if outcome == "failed":
            return
        if known is not None:
            self.seen.setdefault(known, one)
        if outcome != "repeated":
            self.p.plan.records.append(one)
            if one.id is None:
                self.p.finder.expect(one.model, one)

    def _outcome(self, one: Planned, known: Any, found: list[Problem]) -> str:
        first = self.seen.get(known) if known is not None else None
        if one.line in {p.line for p in self.file.sheet.problems}:
            return "failed"
        if any(problem.fatal for problem in found):
            return self._judge_rest(one, found)
        if self.target.keys and known is None:
            column = self._column(self.target.keys[0])
            found.append(Problem(one.line, column, "", "KEY_MISSING", _("关键列为空")))
            return "failed"
        return self._judge(one, found) if first is None else self._again(one, first, found)

    def _again(self, one: Planned, first: Planned, found: list[Problem]) -> str:
        told = {k: v for k, v in first.values.items() if k in one.values}
        if self.target.distinct and told == one.values:
            return "repeated"
        reason = _("与第 %(line)s 行重复", line=first.line)
        found.append(Problem(one.line, self._column(self.target.keys[0]), "", "KEY_TWICE", reason))
        return "failed"

    def _judge(self, one: Planned, found: list[Problem]) -> str:
        ident = self.matcher.find(self.target.keys, one.values)
        if ident is not None:
            return self._compare(one, ident, found)
        self._blame(one, found)
        if any(problem.fatal for problem in found):
            return "failed"
        gaps = lacking(one) if issubclass(one.model, m.Reviewed) else []
        if gaps:
            one.incomplete = True
            self.gaps["、".join(str(gap.facts.caption) for gap in gaps)] += 1
        formed.brought(self.p.session, one)
        return "created"

    def _blame(self, one: Planned, found: list[Problem]) -> None:
        """Fill what a new row leaves out and tell what stands against it."""
        one.values = {**self.spare, **{k: v for k, v in one.values.items() if v is not None}}
        complete(one)
        for key, code, reason in self.p.judge.judge(one):
            submitted = self.p.mapping.approval == "submitted"
            fatal = code not in TOLD and (code != "DUPLICATE" or submitted)
            value = str(one.values.get(key) or "")[:200]
            found.append(Problem(one.line, self._column(key), value, code, reason, fatal))

    def _judge_rest(self, one: Planned, found: list[Problem]) -> str:
        """Tell in the same round what else is wrong with a new row that has unreadable cells."""
        if self.matcher.find(self.target.keys, one.values) is not None:
            return "failed"
        bad = {problem.column for problem in found}
        rest: list[Problem] = []
        self._blame(one, rest)
        unknown = HANGING if self._column("customer_id") in bad else set()
        skipped = bad | {self._column(key) for key in unknown}
        found += [problem for problem in rest if problem.column not in skipped]
        return "failed"

    def _compare(self, one: Planned, ident: int, found: list[Problem]) -> str:
        record = self.matcher.records.get(ident)
        if record is None or ident in self.matcher.gone:
            reason = self.p.judge.hidden(one) or _("记录已删除，或您无权查看")
            column = self._column(self.target.keys[0])
            found.append(Problem(one.line, column, "", "KEY_TAKEN", reason))
            return "failed"
        historic = self.p.mapping.historic
        found += matching.compare(one, record, by=self.p.by, historic=historic)
        if one.changes and not any(problem.fatal for problem in found):
            for key, code, reason in self.p.judge.change(one):
                value = str(one.values.get(key) or "")[:200]
                found.append(Problem(one.line, self._column(key), value, code, reason))
        if any(problem.fatal for problem in found):
            return "failed"
        return "updated" if one.changes else "unchanged"

    def _column(self, key: str) -> str:
        source = self.target.fields.get(key)
        if source is not None and source.columns:
            return source.columns[0]
        return str(self.inputs[key].facts.caption) if key in self.inputs else key

    def _sum_up(self) -> None:
        """Tell in one line each what was mapped and what is lacking."""
        for (column, raw, text), lines in self.mapped.items():
            reason = _("按映射改为「%(text)s」，共 %(n)s 行", text=text, n=len(lines))
            self.file.problems.append(Problem(0, column, raw, "MAPPED", reason, fatal=False))
        for names, n in self.gaps.items():
            reason = _("缺少%(names)s，共 %(n)s 行，标为资料不全", names=names, n=n)
            self.file.problems.append(Problem(0, "", "", "INCOMPLETE", reason, fatal=False))
