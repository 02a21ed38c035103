"""Causes and reasons in words: the arithmetic keeps a code and a number, people read a sentence."""

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from models.portrait.offer import PortraitOffer
from services.core.texts import yuan

Say = Callable[[int], str]

# Why somebody may leave: the features of services/portrait/maths/features.py.
CAUSES: dict[str, Say] = {
    "recency": lambda n: ngettext("已 %(n)s 天没有购买", "已 %(n)s 天没有购买", n, n=n),
    "orders": lambda n: ngettext("一共只购买过 %(n)s 次", "一共只购买过 %(n)s 次", n, n=n),
    "tenure": lambda n: ngettext("首次购买在 %(n)s 天前", "首次购买在 %(n)s 天前", n, n=n),
    "lateness": lambda n: (
        ngettext("超过自己约 %(n)s 天的购买间隔", "超过自己约 %(n)s 天的购买间隔", n, n=n)
        if n
        else _("还没有形成购买间隔")
    ),
    "lately": lambda n: ngettext("近期只购买 %(n)s 次", "近期只购买 %(n)s 次", n, n=n),
    "before": lambda n: ngettext("上一期只购买 %(n)s 次", "上一期只购买 %(n)s 次", n, n=n),
    "money": lambda n: _("每次购买约 %(sum)s 元", sum=yuan(n)),
    "basket": lambda n: ngettext("只买过 %(n)s 种产品", "只买过 %(n)s 种产品", n, n=n),
    "spread": lambda n: ngettext("只在 %(n)s 个月里有购买", "只在 %(n)s 个月里有购买", n, n=n),
    "regular": lambda n: _("购买间隔不规律（波动 %(n)s%%）", n=n),
}
# What a customer lacks: the parts of services/portrait/maths/health.py.
AILMENTS: dict[str, Say] = {
    "leaving": lambda n: _("流失概率 %(n)s%%", n=n),
    "late": lambda n: ngettext("比平时晚 %(n)s 天没有购买", "比平时晚 %(n)s 天没有购买", n, n=n),
    "silent": lambda n: (
        ngettext("已 %(n)s 天没有跟进", "已 %(n)s 天没有跟进", n, n=n) if n >= 0 else _("从未跟进")
    ),
    "owes": lambda n: _("逾期未收 %(sum)s 元", sum=yuan(n)),
}


def sentences(words: dict[str, Say], told: Sequence[Any]) -> list[str]:
    """Return the sentences of [code, number] pairs."""
    return [words[code](number) for code, number in told if code in words]


def reason(offer: PortraitOffer, names: dict[int, str]) -> str:
    """Return why it is offered: its own rhythm, what speaks for it, or that it is popular."""
    if offer.times:
        return "，".join(_rhythm(offer))
    if offer.because:
        bought = "、".join(names.get(key, "") for key in offer.because)
        return _("因为买过 %(names)s", names=bought)
    if offer.buyers:
        return _("本公司热销产品")
    return _("与买过的产品相近")


def _rhythm(offer: PortraitOffer) -> list[str]:
    times, every, due = offer.times or 0, offer.every, offer.due
    said = [ngettext("买过 %(n)s 次", "买过 %(n)s 次", times, n=times)]
    if every:
        said.append(ngettext("约每 %(n)s 天一次", "约每 %(n)s 天一次", every, n=every))
    if every and due is not None:
        late = ngettext("已超过 %(n)s 天", "已超过 %(n)s 天", -due, n=-due)
        soon = ngettext("还有 %(n)s 天", "还有 %(n)s 天", due, n=due)
        said.append(late if due < 0 else soon)
    return said
