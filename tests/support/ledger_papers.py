"""Invoices of the ledger machine: asked for, agreed to, issued, taken back, withdrawn."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from models.deals.invoice import Invoice
from tests.support.ledger import Paper
from tests.support.ledger_bench import DOOR, SUMS, TODAY, Bench, N, some, yuan


class Papers(Bench):
    """The rules of invoices."""

    @rule(n=N, amount=SUMS, reason=st.booleans(), door=DOOR, rate=st.sampled_from((None, 600)))
    def bill(self, n, amount, reason, door, rate):
        deal = self.deal(n)
        over = deal.beyond(amount)
        given = deal.billed() + amount >= 0 if amount < 0 else reason or not over
        fine = deal.takes(amount) and given
        values = {"contract_id": deal.key, "amount": amount, "tax_rate_bp": rate}
        values["over_reason"] = "增项" if reason else None
        if door == "service":
            done = self.try_("sales", lambda: self.world.create(Invoice, **values).id)
        else:
            form = {"contract_id": deal.key, "contract_id__id": deal.key, "type": "general"}
            form |= {"amount": yuan(amount), "over_reason": values["over_reason"] or ""}
            done = self.post("sales", "/admin/invoice/new/", form)
        assert bool(done) == fine, (amount, deal.billed())
        if done:
            over = reason and deal.beyond(amount, agreed=True)
            self.noted(deal, amount, over=over, reason=reason)

    def noted(self, deal, amount, *, over, back=None, reason=False):
        most = deal.billed() + amount if over else None
        key = self.last(Invoice, deal)
        deal.papers[key] = Paper(key, amount, back=back, most=most, reasoned=reason)
        deal.touched()

    @some("papers")
    @rule(n=N, share=st.sampled_from((1, 50, 100, 101)), door=DOOR)
    def take_back(self, n, share, door):
        deal, paper = self.one("papers", n)
        left = deal.left(paper.key)
        amount = -(left * share // 100 + (share > 100))
        if not amount or paper.amount < 0:
            return
        fine = paper.state == "issued" and -amount <= left
        values = {"contract_id": deal.key, "amount": amount, "reverses_id": paper.key}
        if door == "page":
            path = f"/admin/invoice/new/?reverses_id={paper.key}"
            done = self.fill("sales", path, {"amount": yuan(amount)})
        else:
            done = self.try_("sales", lambda: self.world.create(Invoice, **values).id)
        assert bool(done) == fine, (paper, amount, left)
        if done:
            self.noted(deal, amount, over=False, back=paper.key)

    @some("papers")
    @rule(n=N)
    def agree(self, n):
        deal, paper = self.one("papers", n)
        done = self.post("manager", "/admin/invoice/agree/", {"id": paper.key})
        fine = paper.state == "requested" and paper.most is not None and not paper.agreed
        assert done == fine
        paper.agreed = paper.agreed or done
        assert deal is not None

    @some("papers")
    @rule(n=N, door=DOOR)
    def issue(self, n, door):
        deal, paper = self.one("papers", n)
        self.steps += 1
        values = {"number": f"{deal.key}-{paper.key}", "issued_on": TODAY}
        within = paper.amount < 0 or deal.issuable(paper)
        bare = paper.back is None and paper.amount < 0
        if bare:
            within = deal.billed(but=paper.key) + paper.amount >= 0
        fine = paper.state == "requested" and within and deal.takes(paper.amount)
        done = self.write("finance", Invoice, paper.key, values, door)
        assert bool(done) == fine, (paper, deal.billed(but=paper.key))
        if done:
            deal.touched()
            paper.state = "red" if paper.amount < 0 else "issued"
            paper.most = paper.most if paper.agreed else None

    @some("papers")
    @rule(n=N, amount=SUMS, reason=st.booleans(), door=DOOR)
    def rewrite(self, n, amount, reason, door):
        """Another figure, another reason, or both: what was agreed to is asked anew."""
        deal, paper = self.one("papers", n)
        if paper.back is not None or (amount < 0) != (paper.amount < 0):
            return
        over = deal.beyond(amount, but=paper.key)
        fine = paper.state == "requested"
        if amount < 0:
            fine = fine and deal.billed(but=paper.key) + amount >= 0
        else:
            fine = fine and (reason or not over)
        self.steps += 1
        values = {"amount": amount, "over_reason": f"改 {self.steps}" if reason else None}
        done = self.write("sales", Invoice, paper.key, values, door)
        assert bool(done) == fine, (paper, amount, deal.billed(but=paper.key))
        if done:
            changed = amount != paper.amount or reason or paper.reasoned
            if amount != paper.amount:
                deal.touched()
            paper.amount, paper.reasoned = amount, reason
            if changed:
                over = reason and deal.beyond(amount, but=paper.key, agreed=True)
                paper.most = deal.billed(but=paper.key) + amount if over else None
                paper.agreed = False

    @some("papers")
    @rule(n=N)
    def withdraw(self, n):
        """A request that is not issued is deleted by who asked for it."""
        deal, paper = self.one("papers", n)
        if paper.state != "requested":
            return
        form = {"id": paper.key, "row_version": 0}
        self.world.be("sales")
        form["row_version"] = self.get(Invoice, paper.key).row_version
        assert self.post("sales", "/admin/invoice/delete/", form)
        del deal.papers[paper.key]
        deal.touched()
