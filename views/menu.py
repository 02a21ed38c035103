"""The menu: an explicit list, because its order is a product decision."""

import dataclasses
from typing import Any

from flask_babel import lazy_gettext as _

import models as m
from views import people, records
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


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu: the view to make for each application, with its counter's key."""

    make: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    group: str
    badge: str = ""


def _screen(view: Any, model: type[Any], group: str) -> Entry:
    return Entry(view, (model,), {}, group)


def _page(view: Any, name: Any, noun: str, group: str, badge: str = "") -> Entry:
    return Entry(view, (), {"name": name, "endpoint": noun, "url": f"/admin/{noun}"}, group, badge)


GROUPS = {
    "events": _("流程事件"),
    "records": _("信息管理"),
    "progress": _("跟踪推进"),
    "cockpit": _("数据驾驶舱"),
    "system": _("系统"),
}

MENU = (
    _page(InboxView, _("待我处理"), "inbox", "events", "inbox"),
    _page(CreatedView, _("我创建的"), "created", "events", "created"),
    _page(CopyView, _("抄送我的"), "cc", "events", "cc"),
    _page(OverviewView, _("审批概览"), "overview", "events"),
    _screen(CustomerView, m.Customer, "records"),
    _screen(records.ContactView, m.Contact, "records"),
    _page(PoolView, _("公海"), "pool", "records"),
    _page(MergeView, _("查重合并"), "merge", "records"),
    _screen(OpportunityView, m.Opportunity, "records"),
    _screen(records.ProductView, m.Product, "records"),
    _screen(records.FollowUpView, m.FollowUp, "progress"),
    _screen(PlanView, m.FollowUpPlan, "progress"),
    _screen(ContractView, m.Contract, "progress"),
    Entry(
        ProgressView,
        (),
        {"name": _("订单进度查询"), "endpoint": "standing", "url": "/admin/progress"},
        "progress",
    ),
    _screen(records.OrderView, m.Order, "progress"),
    _screen(records.MilestoneView, m.OrderMilestone, "progress"),
    _screen(PaymentView, m.Payment, "progress"),
    _screen(InvoiceView, m.Invoice, "progress"),
    _page(HandoverView, _("离职移交"), "handover", "system"),
    _screen(people.UserView, m.User, "system"),
    _screen(records.DepartmentView, m.Department, "system"),
    _screen(people.RoleView, m.Role, "system"),
    _screen(records.DictionaryView, m.DictionaryOption, "system"),
    _screen(records.TagView, m.Tag, "system"),
    _screen(records.StageView, m.Stage, "system"),
    _screen(FlowView, m.ApprovalFlow, "system"),
    _screen(records.NumberRuleView, m.NumberRule, "system"),
    _screen(records.CalendarDayView, m.CalendarDay, "system"),
    _page(SettingView, _("系统设置"), "setting", "system"),
    _screen(records.ImportJobView, m.ImportJob, "system"),
    _screen(records.AuditView, m.AuditLog, "system"),
    _screen(OutboxView, m.Outbox, "system"),
    # Reached from other pages, not from the side bar.
    _page(SearchView, _("搜索"), "search", ""),
    _page(ProfileView, _("个人设置"), "profile", ""),
    _page(ImportView, _("导入"), "import", ""),
    _page(NoticeView, _("通知"), "notice", ""),
    _page(RequestView, _("审批单"), "request", ""),
    _page(BatchView, _("批量结果"), "batch", ""),
)
