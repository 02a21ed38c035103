"""What becomes of each record of a run: made, changed, left as it is, or kept out and why."""

import collections
from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from services import excess
from services.importing import formed, matching
from services.importing.mapping import Mapping
from services.importing.nouns import Found, Judge, complete, defaults, lacking
from services.importing.plan import FilePlan, Planned
from services.importing.problems import Problem

TOLD = frozenset({"SIMILAR", excess.OVER, excess.SAME})  # findings that keep no row out
HANGING = {"contact_id", "opportunity_id", "contract_id"}  # not judged beside no readable customer


class Settler:
    """Settles the records of one entity."""

    def __init__(self, judge: Judge, mapping: Mapping, model: Any) -> None:
        """Find records of a model by their keys."""
        self.judge, self.mapping, self.model = judge, mapping, model
        self.call = judge.call
        self.matcher = matching.Matcher(self.call.session, model, self.call.by)
        self.gaps: collections.Counter[tuple[int, str]] = collections.Counter()
        self.spare: dict[str, Any] = {}
        if not (mapping.historic and issubclass(model, m.Reviewed)):
            args = {"by": self.call.by, "now": self.call.now}
            self.spare = defaults(self.call.session, model, **args)

    # -- which records are there already --------------------------------------------------------

    def match(self, records: list[Planned]) -> None:
        """Give records that are there already their key; none is meant twice."""
        names = {one: _keys(one) for one in records}
        for key in dict.fromkeys(key for keys in names.values() for key in keys):
            values = [one.values.get(key) for one in records if key in names[one]]
            self.matcher.load(key, [v.id if isinstance(v, Planned) else v for v in values])
        meant: dict[int, Planned] = {}
        for one in records:
            found = self._found(one, names[one])
            if found is None:
                continue
            first = meant.setdefault(found, one)
            if first is not one:
                reason = _("与第 %(line)s 行是同一条记录", line=first.line)
                one.blame(names[one][0], "KEY_TWICE", reason)
            elif found in self.matcher.records and found not in self.matcher.gone:
                one.id = found

    def _found(self, one: Planned, keys: list[str]) -> int | None:
        values = {key: one.values.get(key) for key in keys}
        plain = {k: v.id if isinstance(v, Planned) else v for k, v in values.items()}
        return self.matcher.find(keys, plain)

    # -- what becomes of them -------------------------------------------------------------------

    def settle(self, one: Planned) -> None:
        """Note on a record what becomes of it."""
        for key, value in one.values.items():
            if isinstance(value, Planned):
                one.needs |= {value}
                one.values[key] = value if value.id is None else value.id
        self._lines(one)
        self._dates(one)
        unread = any(row.unread for row in one.rows)
        one.outcome = "failed" if unread else self._outcome(one)

    def _lines(self, one: Planned) -> None:
        for rows in one.lines.values():
            for row in rows:
                for key, value in row.items():
                    if isinstance(value, Planned):
                        one.needs |= {value}
                        row[key] = value if value.id is None else value.id

    def _dates(self, one: Planned) -> None:
        dated = next((r for r in one.rows if "created_at" in r.target.fields), None)
        if dated is None or one.values.get("created_at") is not None:
            return
        column = dated.column("created_at")
        if column not in {problem.column for problem in dated.problems}:
            dated.blame("created_at", "NO_DATE", _("没有日期"), fatal=False)

    def _outcome(self, one: Planned) -> str:
        keys = _keys(one)
        if one.failed:
            return self._judge_rest(one, keys)
        if keys and not any(row.keys for row in one.rows):
            one.blame(keys[0], "KEY_MISSING", _("关键列为空"))
            return "failed"
        ident = self._found(one, keys)
        if ident is not None:
            return self._compare(one, ident, keys[0])
        self._blame(one)
        if one.failed:
            return "failed"
        gaps = lacking(one) if issubclass(one.model, m.Reviewed) else []
        if gaps:
            one.incomplete = True
            self.gaps[one.file, "、".join(str(gap.facts.caption) for gap in gaps)] += 1
        formed.brought(self.call.session, one)
        return "created"

    def _blame(self, one: Planned, skipped: set[str] | None = None) -> None:
        """Fill what a new record leaves out and tell what stands against it."""
        one.values = {**self.spare, **{k: v for k, v in one.values.items() if v is not None}}
        complete(one)
        for key, code, reason in _each_once(self.judge.judge(one)):
            submitted = self.mapping.approval == "submitted"
            fatal = code not in TOLD and (code != "DUPLICATE" or submitted)
            if skipped is None or one.row_of(key).column(key) not in skipped:
                one.blame(key, code, reason, fatal=fatal)

    def _judge_rest(self, one: Planned, keys: list[str]) -> str:
        """Tell in the same round what else is wrong with a new record of unreadable cells."""
        if self._found(one, keys) is None:
            bad = {problem.column for row in one.rows for problem in row.problems}
            row = one.rows[0]
            unknown = HANGING if row.column("customer_id") in bad else set()
            self._blame(one, bad | {row.column(key) for key in unknown})
        return "failed"

    def _compare(self, one: Planned, ident: int, key: str) -> str:
        record = self.matcher.records.get(ident)
        if record is None or ident in self.matcher.gone:
            reason = self.judge.hidden(one) or _("记录已删除，或您无权查看")
            one.blame(key, "KEY_TAKEN", reason)
            return "failed"
        matching.compare(one, record, by=self.call.by, historic=self.mapping.historic)
        if one.changes and not one.failed:
            for field, code, reason in self.judge.change(one):
                one.blame(field, code, reason)
        if one.failed:
            return "failed"
        return "updated" if one.changes else "unchanged"

    def sum_up(self, files: list[FilePlan]) -> None:
        """Tell in one line each what is lacking."""
        for (place, names), n in self.gaps.items():
            reason = _("缺少%(names)s，共 %(n)s 行，标为资料不全", names=names, n=n)
            files[place].problems.append(Problem(0, "", "", "INCOMPLETE", reason, fatal=False))


def _each_once(found: Found) -> Found:
    """Leave out what two rules say of the same field."""
    told = set()
    for key, code, reason in found:
        if (key, code) not in told or code not in {"BAD_VALUE", "REQUIRED"}:
            yield key, code, reason
        told.add((key, code))


def _keys(one: Planned) -> list[str]:
    """Return the fields a record is found by, in the order of the mapping."""
    return list(dict.fromkeys(key for row in one.rows for key in row.target.keys))
