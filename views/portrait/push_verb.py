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
from views.grid.selection import Selection
from views.web.acting import Acting

LOOKED_AT, SHOWN, PRODUCTS = 1000, 20, 500


def preview(view: Any, found: Selection) -> dict[str, Any]:
    """Return what stands against the first of the chosen, and what would be offered to them."""
    keys = found.keys()
    if isinstance(keys, list):
        keys = keys[:LOOKED_AT]
    else:
        keys = keys.order_by(keys.selected_columns[0]).limit(LOOKED_AT)
    known = law.standings(view.session, keys, now=view.now())
    product = texts.key(request.form.get("push_product"))
    first = list(known.values())[:SHOWN]
    active = sa.select(Product.id, Product.name).where(Product.active)
    return {
        "asked": len(known),
        "against": {
            channel: Counter(
                str(problem) for one in known.values() if (problem := one.against(channel))
            ).most_common()
            for channel in PushChannel
        },
        "rows": first,
        "offers": offered.best(view.session, [one.customer.id for one in first], product),
        "products": view.session.execute(active.order_by(Product.name).limit(PRODUCTS)).all(),
        "channels": list(PushChannel),
        "today": today(view.now()),
        "most": {"control": pushing.MOST_CONTROL, "days": pushing.MOST_DAYS},
    }


class PushVerb(Acting):
    """The verb, mixed into the grid of customers."""

    @action("push", _("推送"))
    @allowed(lambda view: may(view.actor, pushing.GRANT))
    @confirmed(V.push, asks="push", preview=preview)
    def action_push(self) -> Task:
        """Make a task or a mail for each of the chosen customers, set some aside to compare."""
        return pushing.pushing(self.call(), request.form)
