"""The menu: its order is a product decision, so it is a list; what that does not name is last."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from services.declared import IncompleteEntityError
from views import people, records
from views.base import CrmView
from views.batch import BatchView
from views.contract import ContractView
from views.copies import CopyView
from views.created import CreatedView
from views.customer import CustomerView
from views.flow import FlowView
from views.import_ import ImportView
from views.inbox import InboxView
from views.merge import MergeView
from views.notice import NoticeView, OutboxView
from views.opportunity import OpportunityView
from views.overview import OverviewView
from views.ownership import HandoverView, PoolView
from views.payment import InvoiceView, PaymentView
from views.plan import PlanView
from views.progress import ProgressView
from views.request import RequestView
from views.search import SearchView
from views.settings import ProfileView, SettingView

GROUPS = {
    "events": _("流程事件"),
    "records": _("信息管理"),
    "progress": _("跟踪推进"),
    "cockpit": _("数据驾驶舱"),
    "system": _("系统"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu: the view to make for each application, with its counter's key."""

    make: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    group: str
    badge: str = ""


def _screen(view: Any, model: type[Any]) -> Entry:
    section = m.entity_of(model).section
    if section not in GROUPS:
        message = f"{model.__name__}: the menu has no section {section!r}"
        raise IncompleteEntityError(message)
    return Entry(view, (model,), {}, section)


def _page(view: Any, name: Any, noun: str, group: str, badge: str = "") -> Entry:
    return Entry(view, (), {"name": name, "endpoint": noun, "url": f"/admin/{noun}"}, group, badge)


SAID = (
    _page(InboxView, _("待我处理"), "inbox", "events", "inbox"),
    _page(CreatedView, _("我创建的"), "created", "events", "created"),
    _page(CopyView, _("抄送我的"), "cc", "events", "cc"),
    _page(OverviewView, _("审批概览"), "overview", "events"),
    _screen(CustomerView, m.Customer),
    _screen(records.ContactView, m.Contact),
    _page(PoolView, _("公海"), "pool", "records"),
    _page(MergeView, _("查重合并"), "merge", "records"),
    _screen(OpportunityView, m.Opportunity),
    _screen(records.ProductView, m.Product),
    _screen(records.FollowUpView, m.FollowUp),
    _screen(PlanView, m.FollowUpPlan),
    _screen(ContractView, m.Contract),
    Entry(
        ProgressView,
        (),
        {"name": _("订单进度查询"), "endpoint": "standing", "url": "/admin/progress"},
        "progress",
    ),
    _screen(records.OrderView, m.Order),
    _screen(records.MilestoneView, m.OrderMilestone),
    _screen(PaymentView, m.Payment),
    _screen(InvoiceView, m.Invoice),
    _page(HandoverView, _("离职移交"), "handover", "system"),
    _screen(people.UserView, m.User),
    _screen(records.DepartmentView, m.Department),
    _screen(people.RoleView, m.Role),
    _screen(records.DictionaryView, m.DictionaryOption),
    _screen(records.TagView, m.Tag),
    _screen(records.StageView, m.Stage),
    _screen(FlowView, m.ApprovalFlow),
    _screen(records.NumberRuleView, m.NumberRule),
    _screen(records.CalendarDayView, m.CalendarDay),
    _page(SettingView, _("系统设置"), "setting", "system"),
    _screen(records.ImportJobView, m.ImportJob),
    _screen(records.AuditView, m.AuditLog),
    _screen(OutboxView, m.Outbox),
    # Reached from other pages, not from the side bar.
    _page(SearchView, _("搜索"), "search", ""),
    _page(ProfileView, _("个人设置"), "profile", ""),
    _page(ImportView, _("导入"), "import", ""),
    _page(NoticeView, _("通知"), "notice", ""),
    _page(RequestView, _("审批单"), "request", ""),
    _page(BatchView, _("批量结果"), "batch", ""),
)


def _further() -> Iterator[Entry]:
    """Yield the screens of entities of which the model says everything."""
    said = {model for entry in SAID for model in entry.args}
    for model in m.entities():
        entity = m.entity_of(model)
        if entity.section and model not in said:
            yield _screen(records.FiledView if entity.has("attachable") else CrmView, model)


MENU = (*SAID, *_further())
