"""The write law as data: whose grant a row needs, and what each service may touch by rule."""

import models as m

# A line belongs to its parent: who may edit the parent may edit its lines.
GRANT_OF = {"stagehistory": "opportunity", "allocation": "payment"}

GRANT_OF |= {line.__noun__: model.__noun__ for model in m.reviewed() for line in m.lines_of(model)}

APPROVAL = {"rule": "approval"}  # how a bulk statement names the rule it acts under

# rule → nouns a service may write while it acts under that rule, whatever the actor's grants.
# The service that opens the rule has asked for the actor's right to the verb itself.
RULES: dict[str, frozenset[str]] = {
    "numbers": frozenset({"numbercounter"}),
    "audit": frozenset({"audit"}),
    "approval": frozenset(
        {
            "request",
            "task",
            "approvalevent",
            "approvalfile",
            "cc",
            "contact",
            "order",
            "milestone",
            "followup",
            "batch",
            "batchitem",
            "stagehistory",
            *(model.__noun__ for model in m.reviewed()),
            *(line.__noun__ for model in m.reviewed() for line in m.lines_of(model)),
        }
    ),
    "follow_up": frozenset({"followup", "plan", "customer", "opportunity", "stagehistory"}),
    "stage": frozenset({"opportunity", "stagehistory"}),
    "payment": frozenset({"payment", "allocation"}),
    "import": frozenset(
        {
            "customer",
            "contact",
            "opportunity",
            "opportunityline",
            "stagehistory",
            "contract",
            "contractline",
            "paymentplan",
            "payment",
            "allocation",
            "product",
            "department",
            "user",
            "order",
            "milestone",
            "invoice",
            "followup",
            "plan",
            "request",
            "approvalevent",
            "importjob",
            "importline",
            "importproblem",
            "importrow",
            "dictionary",
        }
    ),
    # Core statements name the rule; what goes through the unit of work is the kept record.
    "merge": frozenset({"customer", "contact", "merge"}),
    "ownership": frozenset(
        {
            "customer",
            "opportunity",
            "paymentplan",
            "plan",
            "task",
            "order",
            "ownershipmove",
            "handover",
        }
    ),
    "contract": frozenset({"order", "payment", "invoice"}),
    "idempotency": frozenset({"idempotencykey"}),
    "profile": frozenset({"user"}),
    "tags": frozenset({"tagging"}),
    "views": frozenset({"savedview", "gridsetting"}),
    "delegation": frozenset({"delegation"}),
    "flow": frozenset({"flow", "flowstep"}),
    "attachment": frozenset({"attachment"}),
    "read_mark": frozenset({"cc", "notification"}),
    "notice": frozenset({"notification", "outbox"}),
}

# What decides over rights is seen by the ceiling only in the unit of work: bulk statements on these
# tables need one of these rules. An import inserts people without roles and takes them out again.
BY_STATEMENT: dict[str, frozenset[str]] = {
    "user_account": frozenset({"profile", "import"}),
    "department": frozenset({"import"}),
    "role": frozenset(),
    "user_role": frozenset(),
}

# Nouns whose owner changes by services/ownership.py alone, which moves open work along.
HANDED = frozenset({"customer"})

# Rules whose services answer for the record's state themselves.
STATE_FREE = frozenset({"approval", "import", "merge"})

# Columns of a reviewed record that only the approval service (or an import) writes.
APPROVAL_OWNED = frozenset(
    {"approval", "submitted_at", "submitted_by_id", "decided_at", "approval_round", "code"}
)

# Columns that may move while a record is pending: they are not what is being approved.
MOVABLE = frozenset(
    {"owner_id", "technical_id", "updated_at", "row_version", "status", "incomplete"}
)

NOT_AUDITED = frozenset(
    {
        "audit",
        "request",
        "task",
        "approvalevent",
        "approvalfile",
        "cc",
        "batch",
        "batchitem",
        "numbercounter",
        "stagehistory",
        "importline",
        "importproblem",
        "importrow",
        "allocation",
        "merge",
        "ownershipmove",
        "handover",
        "notification",
        "outbox",
        "gridsetting",
        "tagging",
    }
)
