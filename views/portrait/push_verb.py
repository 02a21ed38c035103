"""推送 as a bulk verb of customers: its page shows whom it would reach, with what and why."""

from collections import Counter
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_admin.actions import action
from flask_babel import lazy_gettext as _

from models.portrait.push import PushChannel
from models.sales.product import Product
from services.bulk.jobs import Task
from services.core import texts
from services.core.days import today
from services.portrait import offered
from services.portrait.pushes import law, pushing
from services.rights.actor import may
from views.grid.actions import V, allowed, confirmed
from views.grid.selection import Selection, chosen
from views.web.acting import Acting

LOOKED_AT, NAMED, SHOWN, PRODUCTS = 1000, 100, 20, 500


def preview(view: Any, found: Selection) -> dict[str, Any]:
    """Return what stands against the first of the chosen, and what would be offered to them."""
    keys = found.keys()
    if isinstance(keys, list):
        keys = keys[:LOOKED_AT]
    else:
        keys = keys.order_by(keys.selected_columns[0]).limit(LOOKED_AT)
    known = law.standings(view.session, keys, now=view.now())
    product = texts.key(request.form.get("push_product"))
    offers = offered.best(view.session, list(known), product)
    wrong = {key: _against(one, offered_=key in offers) for key, one in known.items()}
    # Those that cannot be reached at all are named first.
    hopeless = [key for key in known if len(wrong[key]) == len(PushChannel)][:NAMED]
    others = [key for key in known if len(wrong[key]) < len(PushChannel)][:SHOWN]
    active = sa.select(Product.id, Product.name).where(Product.active)
    return {
        "asked": len(known),
        "against": {
            channel: Counter(one[channel] for one in wrong.values() if channel in one).most_common()
            for channel in PushChannel
        },
        "rows": [(known[key].customer, wrong[key]) for key in (*hopeless, *others)],
        "offers": offers,
        "products": view.session.execute(active.order_by(Product.name).limit(PRODUCTS)).all(),
        "channels": list(PushChannel),
        "today": today(view.now()),
        "most": {"control": pushing.MOST_CONTROL, "days": pushing.MOST_DAYS},
    }


def _against(one: law.PushStanding, *, offered_: bool) -> dict[PushChannel, str]:
    """Return what stands against a customer by the text that is typed, or the one proposed."""
    words = request.form.get("push_words")
    found = {}
    for channel in PushChannel:
        subject = request.form.get("push_subject", "") if channel is PushChannel.mail else ""
        needed = words is None or pushing.needs_offer(words, subject)
        problem = one.against(channel, lacking=needed and not offered_)
        if problem is not None:
            found[channel] = str(problem)
    return found


class PushVerb(Acting):
    """The verb, mixed into the grid of customers."""

    @action("push", _("推送"))
    @allowed(lambda view: may(view.actor, pushing.GRANT))
    @confirmed(V.push, asks="push", preview=preview)
    def action_push(self) -> Task:
        """Make a task or a mail for each of the chosen customers, set some aside to compare."""
        keys = chosen(self, request.form.getlist("rowid")).keys()
        return pushing.pushing(self.call(), request.form, keys)
