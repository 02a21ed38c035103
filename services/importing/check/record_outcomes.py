"""What becomes of each record of a run: made, changed, left as it is, or kept out and why."""

import collections
from typing import Any

from flask_babel import lazy_gettext as _

from models.core.mixins import Reviewed
from models.deals.order import Order
from models.registry import entity_of
from services.importing.check import form_records, history_rows, matching, row_outcomes
from services.importing.check.noun_rules import Found, Judge, complete, defaults, lacking
from services.importing.file.mapping import Mapping
from services.importing.file.plan import Planned

TOLD = frozenset({"SIMILAR", "WAITS"})  # findings that keep no row out
HANGING = {"contact_id", "opportunity_id", "contract_id"}  # not judged beside no readable customer


class Done:
    """The records an unfinished run of the same files wrote: file, entity and line tell them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.keys: dict[tuple[int, str, int], tuple[int, bool]] = {}
        self.twice: set[tuple[int, str, int]] = set()

    def put(self, place: tuple[int, str, int], key: int, *, fresh: bool) -> None:
        """Add one; a place of two records, or of one that rows only mention, tells nothing."""
        if place in self.keys or not place[2]:
            self.twice.add(place)
        self.keys[place] = (key, fresh)

    def of(self, one: Planned) -> tuple[int, bool] | None:
        """Return the key of what was written for a planned record, and whether it is new."""
        place = (one.file, one.target.noun, one.line)
        return None if place in self.twice else self.keys.get(place)


class Settler:
    """Settles the records of one entity."""

    def __init__(self, judge: Judge, mapping: Mapping, model: Any) -> None:
        """Find records of a model by their keys."""
        self.judge, self.mapping, self.model = judge, mapping, model
        self.call = judge.call
        self.matcher = matching.Matcher(self.call.session, model, self.call.by)
        self.gaps: collections.Counter[row_outcomes.Gap] = collections.Counter()
        self.spare: dict[str, Any] = {}
        self.adopted: dict[Planned, int] = {}
        self.done = Done()
        if not (mapping.historic and issubclass(model, Reviewed)):
            self.spare = defaults(self.call, model)

    # -- which records are there already --------------------------------------------------------

    def match(self, records: list[Planned]) -> None:
        """Give records that are there already their key; none is meant twice."""
        names = {one: _keys(one) for one in records}
        for key in dict.fromkeys(key for keys in names.values() for key in keys):
            self.matcher.load(key, [_said(one, key) for one in records if key in names[one]])
            self._told_twice(key, [one for one in records if key in names[one]])
        meant: dict[int, Planned] = {}
        for one in records:
            done = self.done.of(one)
            if done is not None:
                one.id = done[0]
                continue
            found = self._found(one, names[one])
            if found is None:
                continue
            first = meant.setdefault(found, one)
            if first is not one:
                reason = _("与第 %(line)s 行是同一条记录", line=first.line)
                one.blame(names[one][0].split("+", maxsplit=1)[0], "KEY_TWICE", reason)
            elif found in self.matcher.records and found not in self.matcher.gone:
                one.id = found
        if self.model is Order:
            self._adopt(records)

    def _adopt(self, records: list[Planned]) -> None:
        """Let the order that an import gave a contract be the first one a file tells of."""
        new = {one: _said(one, "contract_id") for one in records if one.id is None}
        own = history_rows.own_orders(self.call.session, [key for key in new.values() if key])
        for one, contract in new.items():
            if contract in own and not one.failed:
                one.id = self.adopted[one] = own.pop(contract)
        self.matcher.see(set(self.adopted.values()))

    def _told_twice(self, key: str, records: list[Planned]) -> None:
        """Refuse two new records of a key that holds a name in two spellings."""
        first: dict[Any, Planned] = {}
        for one in records if "+" in key else ():
            parts = tuple(one.values.get(part) for part in key.split("+"))
            other = first.setdefault(parts, one)
            if other is not one and None not in parts:
                reason = _("与第 %(line)s 行是同一条记录", line=other.line)
                one.blame(key.split("+", maxsplit=1)[0], "KEY_TWICE", reason)

    def _found(self, one: Planned, keys: list[str]) -> int | None:
        if one in self.adopted:
            return self.adopted[one]
        return self.matcher.find(keys, {key: _said(one, key) for key in keys})

    # -- what becomes of them -------------------------------------------------------------------

    def settle(self, one: Planned) -> None:
        """Note on a record what becomes of it."""
        for key, value in one.values.items():
            if isinstance(value, Planned):
                one.needs |= {value}
                one.values[key] = value if value.id is None else value.id
        self._lines(one)
        self._dates(one)
        done = self.done.of(one)
        if done is not None:
            one.record, one.outcome = one.id, "created" if done[1] else "updated"
            return
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
        if keys and not any(row.keys for row in one.rows) and not self._numbered(keys):
            one.blame(keys[0].split("+", maxsplit=1)[0], "KEY_MISSING", _("匹配列未填"))
            return "failed"
        ident = self._found(one, keys)
        if ident is not None:
            return self._compare(one, ident, (keys or [""])[0].split("+", maxsplit=1)[0])
        self._blame(one)
        if one.failed:
            return "failed"
        gaps = lacking(one) if issubclass(one.model, Reviewed) else []
        if gaps:
            one.incomplete = True
            self.gaps[one.file, one.target.noun, tuple(gap.key for gap in gaps)] += 1
        self.judge.till.bring(one)
        form_records.brought(self.call.session, one)
        return "created"

    def _numbered(self, keys: list[str]) -> bool:
        """Tell whether a row that names no record is a new one: it gets its number from us."""
        return keys == ["code"] and entity_of(self.model).number is not None

    def _blame(self, one: Planned, skipped: set[str] | None = None) -> None:
        """Fill what a new record leaves out and tell what stands against it."""
        one.values = {**self.spare, **{k: v for k, v in one.values.items() if v is not None}}
        if one.notes:
            one.values["remark"] = matching.noted(one)
        complete(one)
        for key, code, reason in _each_once(self.judge.judge(one)):
            submitted = self.mapping.approval == "submitted"
            fatal = code not in TOLD and (code != "DUPLICATE" or submitted)
            if skipped is None or one.row_of(key).column(key) not in skipped:
                one.blame(key, code, reason, fatal=fatal)
        if not one.failed:
            self._warn(one)

    def _warn(self, one: Planned) -> None:
        """Tell what the form would say before it saves; it keeps no row out."""
        for said in self.judge.warnings(one):
            one.blame(said.field, said.code, said.message, fatal=False)

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
        ref = one.values.get("external_ref")
        if one in self.adopted and ref is not None:
            one.changes["external_ref"] = ref
        if one.changes and not one.failed:
            for field, code, reason in _each_once(self.judge.change(one)):
                one.blame(field, code, reason)
        if one.failed:
            return "failed"
        if one.changes:
            self._warn(one)
        return "updated" if one.changes else "unchanged"


def _said(one: Planned, key: str) -> Any:
    """Return what a record says of a key as the database holds it; None where a part is new."""
    parts = [one.values.get(part) for part in key.split("+")]
    plain = [value.id if isinstance(value, Planned) else value for value in parts]
    if not plain[1:]:
        return plain[0]
    return None if None in plain or "" in plain else tuple(plain)


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
