"""The menu: its order is a product decision, so it is a list; what that does not name is last."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _

from models.approval.flow import ApprovalFlow
from models.approval.request import ApprovalRequest
from models.bulk.tag import Tag
from models.core.calendar_day import CalendarDay
from models.core.number import NumberRule
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.bank_line import BankLine
from models.deals.contract import Contract
from models.deals.delivery_note import DeliveryNote
from models.deals.invoice import Invoice
from models.deals.order import Order, OrderMilestone
from models.deals.paper_template import PaperTemplate
from models.deals.payment import Payment
from models.deals.payment_plan import PaymentPlan
from models.delivery.outbox import Outbox
from models.importing.import_job import ImportJob
from models.people.department import Department
from models.people.role import Role
from models.people.user import User
from models.records.dictionary import DictionaryOption
from models.registry import entities, entity_of
from models.rights.audit import AuditLog
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from models.sales.stage import Stage
from services.schema.declared import IncompleteEntityError
from views import people, records
from views.approval.cc import CopyView
from views.approval.flow import FlowView
from views.approval.inbox import InboxView
from views.approval.monitor import MonitorView
from views.approval.my_requests import CreatedView
from views.approval.overview import OverviewView
from views.approval.request import RequestView
from views.batch import BatchView
from views.core.base import CrmView
from views.customers.customer import CustomerView
from views.customers.merge import MergeView
from views.customers.ownership import HandoverView, PoolView
from views.deals.bank_line import BankLineView
from views.deals.contract import ContractView
from views.deals.instalment import InstalmentView
from views.deals.invoice import InvoiceView
from views.deals.order import DeliveryNoteView, MilestoneView, OrderView
from views.deals.paper import PaperTemplateView, PaperView
from views.deals.payment import PaymentView
from views.enquiry.inside import ProgressView
from views.first_run import StartView
from views.import_ import ImportView
from views.notice import NoticeView, OutboxView
from views.portrait.overview import PortraitView
from views.sales.opportunity import OpportunityView
from views.sales.plan import PlanView
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
class MenuEntry:
    """A line of the menu: the view to make for each application, with its counter's key."""

    make: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    group: str
    badge: str = ""


def _screen(view: Any, model: type[Any], name: Any = None) -> MenuEntry:
    section = entity_of(model).section
    if section not in GROUPS:
        message = f"{model.__name__}: the menu has no section {section!r}"
        raise IncompleteEntityError(message)
    return MenuEntry(view, (model,), {"name": name} if name else {}, section)


def _page(view: Any, name: Any, noun: str, group: str, badge: str = "") -> MenuEntry:
    return MenuEntry(
        view, (), {"name": name, "endpoint": noun, "url": f"/admin/{noun}"}, group, badge
    )


SAID = (
    _page(InboxView, _("待我处理"), "inbox", "events", "inbox"),
    _page(CreatedView, _("我创建的"), "created", "events", "created"),
    _page(CopyView, _("抄送我的"), "cc", "events", "cc"),
    _page(OverviewView, _("审批概览"), "overview", "events"),
    MenuEntry(
        MonitorView,
        (ApprovalRequest,),
        {"name": _("全部审批单"), "endpoint": "monitor", "url": "/admin/monitor"},
        "events",
    ),
    _screen(CustomerView, Customer, _("大客户")),
    _screen(records.ContactView, Contact),
    _page(PoolView, _("公海"), "pool", "records"),
    _page(MergeView, _("查重合并"), "merge", "records"),
    _screen(OpportunityView, Opportunity),
    _screen(records.ProductView, Product),
    _screen(records.FollowUpView, FollowUp),
    _screen(PlanView, FollowUpPlan),
    _screen(ContractView, Contract),
    MenuEntry(
        ProgressView,
        (),
        {"name": _("订单进度查询"), "endpoint": "standing", "url": "/admin/progress"},
        "progress",
    ),
    _screen(OrderView, Order),
    _screen(MilestoneView, OrderMilestone),
    _screen(DeliveryNoteView, DeliveryNote),
    _screen(InstalmentView, PaymentPlan),
    _screen(PaymentView, Payment),
    _screen(InvoiceView, Invoice),
    _screen(BankLineView, BankLine),
    _page(PortraitView, _("客户画像"), "portrait", "cockpit"),
    _page(StartView, _("开始使用"), "start", "system"),
    _page(HandoverView, _("离职移交"), "handover", "system"),
    _screen(people.UserView, User),
    _screen(records.DepartmentView, Department),
    _screen(people.RoleView, Role),
    _screen(records.DictionaryView, DictionaryOption),
    _screen(records.TagView, Tag),
    _screen(records.StageView, Stage),
    _screen(FlowView, ApprovalFlow),
    _screen(PaperTemplateView, PaperTemplate),
    _screen(records.NumberRuleView, NumberRule),
    _screen(records.CalendarDayView, CalendarDay),
    _page(SettingView, _("系统设置"), "setting", "system"),
    _screen(records.ImportJobView, ImportJob),
    _screen(records.AuditView, AuditLog),
    _screen(OutboxView, Outbox),
    # Reached from other pages, not from the side bar.
    _page(SearchView, _("搜索"), "search", ""),
    _page(ProfileView, _("个人设置"), "profile", ""),
    _page(ImportView, _("导入"), "import", ""),
    _page(NoticeView, _("通知"), "notice", ""),
    _page(PaperView, _("文书"), "paper", ""),
    _page(RequestView, _("审批单"), "request", ""),
    _page(BatchView, _("批量结果"), "batch", ""),
)


def _further() -> Iterator[MenuEntry]:
    """Yield the screens of entities of which the model says everything."""
    said = {model for entry in SAID for model in entry.args}
    for model in entities():
        entity = entity_of(model)
        if entity.section and model not in said:
            yield _screen(records.FiledView if entity.has("attachable") else CrmView, model)


# Blueprints beside the entries: the home page, the cockpit, log-ins, files.
TAKEN = frozenset({"admin", "cockpit", "security", "static"})


def _menu() -> tuple[MenuEntry, ...]:
    """Return all entries. Raises IncompleteEntityError where a noun is the address of a page."""
    said = [entry.options for entry in SAID if "endpoint" in entry.options]
    pages = TAKEN | {word for one in said for word in (one["endpoint"], one["url"].split("/")[-1])}
    further = tuple(_further())
    for (model,) in (entry.args for entry in further):
        if model.__noun__ in pages:
            message = f"{model.__name__}: {model.__noun__} is the address of a page"
            raise IncompleteEntityError(message)
    return (*SAID, *further)


MENU = _menu()
