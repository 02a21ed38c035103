"""Planted histories as the frames that arithmetic takes, without a database."""

import numpy as np
import pandas as pd

from services.portrait.maths.story import Story, frame


def story(found):
    """Return the story of a history; keys are the places of customers and products."""
    n = len(found.customer)
    sums = np.bincount(found.order, weights=found.amount, minlength=n).astype(np.int64)
    buys = pd.DataFrame(
        {"customer": found.customer, "order": np.arange(n), "day": found.day, "amount": sums}
    )
    items = pd.DataFrame(
        {
            "customer": found.customer[found.order],
            "order": found.order,
            "product": found.product,
            "day": found.day[found.order],
        }
    )
    return Story(
        customers=np.unique(found.customer),
        buys=buys.sort_values(["customer", "day", "order"], ignore_index=True),
        items=items,
        pays=frame("customer day amount"),
        meets=frame("customer day"),
    )
