"""What is: every table of the product. A new entity is one file and one line here."""

from models.approval import (
    ApprovalCopy,
    ApprovalEvent,
    ApprovalRequest,
    ApprovalTask,
    Decision,
    RequestOrigin,
    TaskState,
)
from models.approval_file import ApprovalFile
from models.approval_flow import (
    ApprovalFlow,
    ApprovalStep,
    ApproverKind,
    Delegation,
    FlowAction,
    StepMode,
)
from models.attachment import Attachment
from models.audit import AuditAction, AuditLog
from models.base import Model, db
from models.batch import BatchItem, BatchJob, BatchVerb, ItemState
from models.calendar_day import CalendarDay
from models.contact import Contact, Gender
from models.contract import IN_FORCE, Contract, ContractLine, ContractState, ContractType
from models.customer import Customer, CustomerClass, CustomerStatus, Level
from models.department import Department
from models.dictionary import Colour, DictionaryKind, DictionaryOption
from models.follow_up import VISITS, FollowUp, FollowUpKind, FollowUpPlan, FollowUpResult, Origin
from models.handover import Handover
from models.idempotency_key import IdempotencyKey
from models.import_job import (
    IMPORTING,
    ImportJob,
    ImportLine,
    ImportProblem,
    ImportRow,
    ImportState,
)
from models.indexes import add_indexes
from models.invoice import Invoice, InvoiceState, InvoiceType
from models.login_attempt import LoginAttempt
from models.merge import CustomerMerge
from models.mixins import Approval, Owned, Reviewed, SoftDeleted, Stamped
from models.notification import NoticeKind, Notification
from models.number import NumberCounter, NumberRule
from models.opportunity import Opportunity, OpportunityLine
from models.order import MilestoneState, Order, OrderMilestone, OrderState
from models.outbox import Channel, Outbox, OutboxState
from models.ownership import MoveKind, OwnershipMove
from models.payment import Payment, PaymentAllocation, PaymentMethod, PaymentState
from models.payment_plan import PaymentPlan, PlanState
from models.product import Product
from models.registry import by_noun, entities, entity_of, having, importable, lines_of, reviewed
from models.role import Role, Scope
from models.saved_view import Density, GridSetting, SavedView
from models.setting import Setting
from models.stage import Stage, StageHistory, StageKind
from models.tag import Tag, Tagged, Tagging
from models.user import Language, User, user_role

add_indexes()

__all__ = [
    "IMPORTING",
    "IN_FORCE",
    "VISITS",
    "Approval",
    "ApprovalCopy",
    "ApprovalEvent",
    "ApprovalFile",
    "ApprovalFlow",
    "ApprovalRequest",
    "ApprovalStep",
    "ApprovalTask",
    "ApproverKind",
    "Attachment",
    "AuditAction",
    "AuditLog",
    "BatchItem",
    "BatchJob",
    "BatchVerb",
    "CalendarDay",
    "Channel",
    "Colour",
    "Contact",
    "Contract",
    "ContractLine",
    "ContractState",
    "ContractType",
    "Customer",
    "CustomerClass",
    "CustomerMerge",
    "CustomerStatus",
    "Decision",
    "Delegation",
    "Density",
    "Department",
    "DictionaryKind",
    "DictionaryOption",
    "FlowAction",
    "FollowUp",
    "FollowUpKind",
    "FollowUpPlan",
    "FollowUpResult",
    "Gender",
    "GridSetting",
    "Handover",
    "IdempotencyKey",
    "ImportJob",
    "ImportLine",
    "ImportProblem",
    "ImportRow",
    "ImportState",
    "Invoice",
    "InvoiceState",
    "InvoiceType",
    "ItemState",
    "Language",
    "Level",
    "LoginAttempt",
    "MilestoneState",
    "Model",
    "MoveKind",
    "NoticeKind",
    "Notification",
    "NumberCounter",
    "NumberRule",
    "Opportunity",
    "OpportunityLine",
    "Order",
    "OrderMilestone",
    "OrderState",
    "Origin",
    "Outbox",
    "OutboxState",
    "Owned",
    "OwnershipMove",
    "Payment",
    "PaymentAllocation",
    "PaymentMethod",
    "PaymentPlan",
    "PaymentState",
    "PlanState",
    "Product",
    "RequestOrigin",
    "Reviewed",
    "Role",
    "SavedView",
    "Scope",
    "Setting",
    "SoftDeleted",
    "Stage",
    "StageHistory",
    "StageKind",
    "Stamped",
    "StepMode",
    "Tag",
    "Tagged",
    "Tagging",
    "TaskState",
    "User",
    "by_noun",
    "db",
    "entities",
    "entity_of",
    "having",
    "importable",
    "lines_of",
    "reviewed",
    "user_role",
]
