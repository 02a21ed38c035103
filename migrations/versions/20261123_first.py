"""The first schema: every table of the main job."""

import sqlalchemy as sa
from alembic import op
import models.core.types

revision = "20261123_first"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "department",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("head_id", sa.Integer(), nullable=True),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "parent_id IS NULL OR parent_id <> id", name=op.f("ck_department_not_own_parent")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["department.id"], name=op.f("fk_department_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("parent_id", "name", name=op.f("uq_department_parent_id_name")),
    )
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_department_created_at"), ["created_at"], unique=False)
        batch_op.create_index("uq_department_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "number_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint("n >= 0", name=op.f("ck_number_counter_n_counts_up")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_counter")),
        sa.UniqueConstraint("key", name=op.f("uq_number_counter_key")),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("email", sa.String(length=120), nullable=False),
        sa.Column("mobile", sa.String(length=40), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("manager_id", sa.Integer(), nullable=True),
        sa.Column(
            "language",
            sa.Enum(
                "zh", "en", name="language", native_enum=False, create_constraint=True, length=20
            ),
            server_default="zh",
            nullable=False,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "manager_id IS NULL OR manager_id <> id", name=op.f("ck_user_account_not_own_manager")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_user_account_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_user_account_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["manager_id"], ["user_account.id"], name=op.f("fk_user_account_manager_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_user_account_fs_uniquifier")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_account_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_user_account_department_id"), ["department_id"], unique=False
        )
        batch_op.create_index("uq_user_account_external_ref", ["external_ref"], unique=True)

    # departments and people point at each other: the second half of the circle comes now
    with op.batch_alter_table("department") as batch_op:
        batch_op.create_foreign_key(
            "fk_department_created_by_id", "user_account", ["created_by_id"], ["id"]
        )
        batch_op.create_foreign_key("fk_department_head_id", "user_account", ["head_id"], ["id"])

    op.create_table(
        "approval_flow",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_approval_flow_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_flow")),
        sa.UniqueConstraint("noun", "version", name=op.f("uq_approval_flow_noun_version")),
    )
    with op.batch_alter_table("approval_flow", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_flow_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column(
            "action",
            sa.Enum(
                "create",
                "update",
                "delete",
                "export",
                "login",
                "import_in",
                name="audit_action",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_audit_log_actor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_log_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_log_record", ["noun", "record_id"], unique=False)

    op.create_table(
        "batch_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "verb",
            sa.Enum(
                "approve",
                "reject",
                "submit",
                "delete",
                name="batch_verb",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.String(length=500), nullable=True),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_batch_job_actor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_job")),
    )
    with op.batch_alter_table("batch_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_job_actor_id"), ["actor_id"], unique=False)

    op.create_table(
        "calendar_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("workday", sa.Boolean(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_calendar_day_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sa.UniqueConstraint("day", name=op.f("uq_calendar_day_day")),
    )
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_calendar_day_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "dictionary_option",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "source",
                "industry",
                "purpose",
                "lost_reason",
                "pay_term",
                name="dictionary_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column(
            "colour",
            sa.Enum(
                "grey",
                "info",
                "ok",
                "warn",
                "bad",
                name="colour",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_dictionary_option_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dictionary_option")),
        sa.UniqueConstraint("kind", "code", name=op.f("uq_dictionary_option_kind_code")),
        sa.UniqueConstraint("kind", "label", name=op.f("uq_dictionary_option_kind_label")),
    )
    with op.batch_alter_table("dictionary_option", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_dictionary_option_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "number_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("pattern", sa.String(length=80), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("width BETWEEN 1 AND 9", name=op.f("ck_number_rule_width_sane")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_number_rule_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_rule")),
        sa.UniqueConstraint("noun", name=op.f("uq_number_rule_noun")),
    )
    with op.batch_alter_table("number_rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_number_rule_created_at"), ["created_at"], unique=False)

    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=60), nullable=True),
        sa.Column("unit", sa.String(length=20), nullable=True),
        sa.Column("price", models.core.types.Money(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "price IS NULL OR price >= 0", name=op.f("ck_product_price_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_product_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_created_at"), ["created_at"], unique=False)
        batch_op.create_index("uq_product_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("label_en", sa.String(length=60), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "self",
                "team",
                "dept",
                "dept_tree",
                "all",
                name="scope",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("builtin", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_role_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
    )
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_created_at"), ["created_at"], unique=False)

    op.create_table(
        "setting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_setting_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting")),
        sa.UniqueConstraint("key", name=op.f("uq_setting_key")),
    )
    with op.batch_alter_table("setting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_setting_created_at"), ["created_at"], unique=False)

    op.create_table(
        "stage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("label_en", sa.String(length=60), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "open",
                "won",
                "lost",
                name="stage_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("probability", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "probability BETWEEN 0 AND 100", name=op.f("ck_stage_probability_percent")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_stage_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage")),
        sa.UniqueConstraint("code", name=op.f("uq_stage_code")),
        sa.UniqueConstraint("label", name=op.f("uq_stage_label")),
    )
    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stage_created_at"), ["created_at"], unique=False)

    op.create_table(
        "approval_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flow_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "approver_kind",
            sa.Enum(
                "role",
                "person",
                "manager",
                "head",
                name="approver_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_approval_step_ordinal_from_one")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_approval_step_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["approval_flow.id"], name=op.f("fk_approval_step_flow_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["user_account.id"], name=op.f("fk_approval_step_person_id")
        ),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_approval_step_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_step")),
        sa.UniqueConstraint("flow_id", "ordinal", name=op.f("uq_approval_step_flow_id_ordinal")),
    )
    with op.batch_alter_table("approval_step", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_step_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_approval_step_flow_id"), ["flow_id"], unique=False)

    op.create_table(
        "batch_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_version", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "done",
                "failed",
                name="item_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("message", sa.String(length=300), nullable=True),
        sa.CheckConstraint(
            "(state = 'failed') = (code IS NOT NULL)", name=op.f("ck_batch_item_failed_has_code")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["batch_job.id"], name=op.f("fk_batch_item_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_item")),
        sa.UniqueConstraint("job_id", "target_id", name=op.f("uq_batch_item_job_id_target_id")),
    )
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_item_job_id"), ["job_id"], unique=False)

    op.create_table(
        "customer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column(
            "customer_class",
            sa.Enum(
                "high_value",
                "project",
                name="customer_class",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("company", sa.String(length=120), nullable=True),
        sa.Column("industry_id", sa.Integer(), nullable=True),
        sa.Column(
            "level",
            sa.Enum(
                "a",
                "b",
                "c",
                "d",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "new",
                "contacting",
                "intent",
                "negotiating",
                "won",
                "dormant",
                "lost",
                "invalid",
                name="customer_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("technical_id", sa.Integer(), nullable=True),
        sa.Column("region_code", sa.String(length=6), nullable=True),
        sa.Column("region_text", sa.String(length=60), nullable=True),
        sa.Column("street", sa.String(length=160), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("placeholder", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column(
            "approval",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="approval",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("submitted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("approval_round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("last_editor_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_owner_id", sa.Integer(), nullable=True),
        sa.Column("created_department_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(approval IN ('approved', 'rejected')) = (decided_at IS NOT NULL)",
            name=op.f("ck_customer_decided_has_time"),
        ),
        sa.CheckConstraint(
            "approval <> 'pending' OR (submitted_at IS NOT NULL AND submitted_by_id IS NOT NULL)",
            name=op.f("ck_customer_pending_has_submitter"),
        ),
        sa.CheckConstraint(
            "approval NOT IN ('pending', 'approved') OR code IS NOT NULL",
            name=op.f("ck_customer_submitted_has_code"),
        ),
        sa.CheckConstraint(
            "region_code IS NULL OR length(region_code) = 6",
            name=op.f("ck_customer_region_has_six_digits"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_customer_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_department_id"],
            ["department.id"],
            name=op.f("fk_customer_created_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_owner_id"], ["user_account.id"], name=op.f("fk_customer_created_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["industry_id"], ["dictionary_option.id"], name=op.f("fk_customer_industry_id")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["user_account.id"], name=op.f("fk_customer_last_editor_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_customer_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["dictionary_option.id"], name=op.f("fk_customer_source_id")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["user_account.id"], name=op.f("fk_customer_submitted_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["technical_id"], ["user_account.id"], name=op.f("fk_customer_technical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("code", name=op.f("uq_customer_code")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customer_approval"), ["approval"], unique=False)
        batch_op.create_index("ix_customer_approval_owner", ["approval", "owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_company"), ["company"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_region_code"), ["region_code"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_customer_technical_id"), ["technical_id"], unique=False
        )
        batch_op.create_index("uq_customer_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "user_role",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_role_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_role")),
    )
    op.create_table(
        "approval_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("noun", sa.String(length=40), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="approval",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "origin",
            sa.Enum(
                "form",
                "import_file",
                name="request_origin",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("flow_id", sa.Integer(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("seen_version", sa.Integer(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("payload_hash", sa.String(length=64), nullable=False),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("last_editor_id", sa.Integer(), nullable=True),
        sa.Column("submitted_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_actor_id", sa.Integer(), nullable=True),
        sa.Column("last_comment", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "(state = 'pending') = (decided_at IS NULL)",
            name=op.f("ck_approval_request_decided_has_time"),
        ),
        sa.CheckConstraint(
            "record_id IS NOT NULL OR origin = 'import_file'",
            name=op.f("ck_approval_request_has_record"),
        ),
        sa.CheckConstraint("state <> 'draft'", name=op.f("ck_approval_request_never_draft")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_approval_request_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["approval_flow.id"], name=op.f("fk_approval_request_flow_id")
        ),
        sa.ForeignKeyConstraint(
            ["last_actor_id"], ["user_account.id"], name=op.f("fk_approval_request_last_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["user_account.id"], name=op.f("fk_approval_request_last_editor_id")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"],
            ["user_account.id"],
            name=op.f("fk_approval_request_submitted_by_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_request")),
        sa.UniqueConstraint(
            "noun", "record_id", "round", name=op.f("uq_approval_request_noun_record_id_round")
        ),
    )
    with op.batch_alter_table("approval_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_request_customer_id"), ["customer_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_approval_request_state"), ["state"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_approval_request_submitted_by_id"), ["submitted_by_id"], unique=False
        )
        batch_op.create_index(
            "uq_approval_request_open",
            ["noun", "record_id"],
            unique=True,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=True),
        sa.Column("title", sa.String(length=80), nullable=True),
        sa.Column("mobile", sa.String(length=40), nullable=True),
        sa.Column("wechat", sa.String(length=60), nullable=True),
        sa.Column("email", sa.String(length=120), nullable=True),
        sa.Column("qq", sa.String(length=11), nullable=True),
        sa.Column("landline", sa.String(length=40), nullable=True),
        sa.Column(
            "gender",
            sa.Enum(
                "male",
                "female",
                name="gender",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "qq IS NULL OR length(qq) BETWEEN 5 AND 11", name=op.f("ck_contact_qq_length")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_contact_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_mobile"), ["mobile"], unique=False)
        batch_op.create_index(
            "uq_contact_primary",
            ["customer_id"],
            unique=True,
            sqlite_where=sa.text("is_primary AND deleted_at IS NULL"),
            postgresql_where=sa.text("is_primary AND deleted_at IS NULL"),
        )

    op.create_table(
        "approval_cc",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="approval",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=True),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("read_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_approval_cc_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_approval_cc_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_approval_cc_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_cc")),
        sa.UniqueConstraint(
            "request_id", "user_id", name=op.f("uq_approval_cc_request_id_user_id")
        ),
    )
    with op.batch_alter_table("approval_cc", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_approval_cc_user_id"), ["user_id"], unique=False)

    op.create_table(
        "approval_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "submit",
                "approve",
                "reject",
                "give_back",
                "transfer",
                "add_sign",
                "urge",
                "comment",
                "withdraw",
                "import_in",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=True),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_approval_event_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_approval_event_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_event")),
    )
    with op.batch_alter_table("approval_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_event_request_id"), ["request_id"], unique=False
        )

    op.create_table(
        "approval_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "done",
                "cancelled",
                name="task_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "decision",
            sa.Enum(
                "submit",
                "approve",
                "reject",
                "give_back",
                "transfer",
                "add_sign",
                "urge",
                "comment",
                "withdraw",
                "import_in",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'done') = (decision IS NOT NULL)",
            name=op.f("ck_approval_task_done_has_decision"),
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["user_account.id"], name=op.f("fk_approval_task_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_approval_task_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_task")),
        sa.UniqueConstraint(
            "request_id",
            "step",
            "assignee_id",
            name=op.f("uq_approval_task_request_id_step_assignee_id"),
        ),
    )
    with op.batch_alter_table("approval_task", schema=None) as batch_op:
        batch_op.create_index(
            "ix_approval_task_assignee_state", ["assignee_id", "state"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_approval_task_request_id"), ["request_id"], unique=False
        )

    op.create_table(
        "import_job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("mapping", sa.String(length=120), nullable=False),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_import_job_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_import_job_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_job")),
    )
    op.create_table(
        "opportunity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("amount", models.core.types.Money(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("stage_id", sa.Integer(), nullable=True),
        sa.Column("probability", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "won",
                "lost",
                name="stage_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("stage_since", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("lost_reason_id", sa.Integer(), nullable=True),
        sa.Column("lost_note", sa.String(length=300), nullable=True),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("need", sa.Text(), nullable=True),
        sa.Column("competitor", sa.String(length=120), nullable=True),
        sa.Column("technical_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("closing_owner_id", sa.Integer(), nullable=True),
        sa.Column("closing_department_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column(
            "approval",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="approval",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("submitted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("approval_round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("last_editor_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_owner_id", sa.Integer(), nullable=True),
        sa.Column("created_department_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(approval IN ('approved', 'rejected')) = (decided_at IS NOT NULL)",
            name=op.f("ck_opportunity_decided_has_time"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (closed_on IS NULL)", name=op.f("ck_opportunity_closed_has_date")
        ),
        sa.CheckConstraint(
            "approval <> 'pending' OR (submitted_at IS NOT NULL AND submitted_by_id IS NOT NULL)",
            name=op.f("ck_opportunity_pending_has_submitter"),
        ),
        sa.CheckConstraint(
            "approval NOT IN ('pending', 'approved') OR code IS NOT NULL",
            name=op.f("ck_opportunity_submitted_has_code"),
        ),
        sa.CheckConstraint(
            "amount IS NULL OR amount >= 0", name=op.f("ck_opportunity_amount_not_negative")
        ),
        sa.CheckConstraint(
            "probability IS NULL OR probability BETWEEN 0 AND 100",
            name=op.f("ck_opportunity_probability_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["closing_department_id"],
            ["department.id"],
            name=op.f("fk_opportunity_closing_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["closing_owner_id"], ["user_account.id"], name=op.f("fk_opportunity_closing_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_opportunity_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_opportunity_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_department_id"],
            ["department.id"],
            name=op.f("fk_opportunity_created_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_owner_id"], ["user_account.id"], name=op.f("fk_opportunity_created_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_opportunity_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["user_account.id"], name=op.f("fk_opportunity_last_editor_id")
        ),
        sa.ForeignKeyConstraint(
            ["lost_reason_id"], ["dictionary_option.id"], name=op.f("fk_opportunity_lost_reason_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_opportunity_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["dictionary_option.id"], name=op.f("fk_opportunity_source_id")
        ),
        sa.ForeignKeyConstraint(["stage_id"], ["stage.id"], name=op.f("fk_opportunity_stage_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["user_account.id"], name=op.f("fk_opportunity_submitted_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["technical_id"], ["user_account.id"], name=op.f("fk_opportunity_technical_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity")),
        sa.UniqueConstraint("code", name=op.f("uq_opportunity_code")),
    )
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_opportunity_approval"), ["approval"], unique=False)
        batch_op.create_index(batch_op.f("ix_opportunity_closed_on"), ["closed_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_opportunity_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            "ix_opportunity_created_owner", ["created_owner_id", "created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_opportunity_customer_id"), ["customer_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_opportunity_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_opportunity_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_opportunity_stage_id"), ["stage_id"], unique=False)
        batch_op.create_index("uq_opportunity_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "contract",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("opportunity_id", sa.Integer(), nullable=True),
        sa.Column(
            "type",
            sa.Enum(
                "sale",
                "agency",
                "service",
                "framework",
                name="contract_type",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("amount", models.core.types.Money(), nullable=True),
        sa.Column("pay_term_id", sa.Integer(), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("start_on", sa.Date(), nullable=True),
        sa.Column("end_on", sa.Date(), nullable=True),
        sa.Column("deliver_on", sa.Date(), nullable=True),
        sa.Column("customer_signer", sa.String(length=60), nullable=True),
        sa.Column("signer_id", sa.Integer(), nullable=True),
        sa.Column("signer_department_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "to_sign",
                "active",
                "done",
                "void",
                name="contract_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("incomplete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column(
            "approval",
            sa.Enum(
                "draft",
                "pending",
                "approved",
                "rejected",
                "withdrawn",
                name="approval",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="draft",
            nullable=False,
        ),
        sa.Column("submitted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("approval_round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("submitted_by_id", sa.Integer(), nullable=True),
        sa.Column("last_editor_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_owner_id", sa.Integer(), nullable=True),
        sa.Column("created_department_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(approval IN ('approved', 'rejected')) = (decided_at IS NOT NULL)",
            name=op.f("ck_contract_decided_has_time"),
        ),
        sa.CheckConstraint(
            "approval <> 'pending' OR (submitted_at IS NOT NULL AND submitted_by_id IS NOT NULL)",
            name=op.f("ck_contract_pending_has_submitter"),
        ),
        sa.CheckConstraint(
            "approval NOT IN ('pending', 'approved') OR code IS NOT NULL",
            name=op.f("ck_contract_submitted_has_code"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('active', 'done') OR (signed_on IS NOT NULL AND approval = 'approved')",
            name=op.f("ck_contract_in_force_is_signed"),
        ),
        sa.CheckConstraint(
            "amount IS NULL OR amount >= 0", name=op.f("ck_contract_amount_not_negative")
        ),
        sa.CheckConstraint(
            "start_on IS NULL OR end_on IS NULL OR start_on <= end_on",
            name=op.f("ck_contract_ends_later"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_contract_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_department_id"],
            ["department.id"],
            name=op.f("fk_contract_created_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["created_owner_id"], ["user_account.id"], name=op.f("fk_contract_created_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_contract_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["last_editor_id"], ["user_account.id"], name=op.f("fk_contract_last_editor_id")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_contract_opportunity_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_contract_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["pay_term_id"], ["dictionary_option.id"], name=op.f("fk_contract_pay_term_id")
        ),
        sa.ForeignKeyConstraint(
            ["signer_department_id"],
            ["department.id"],
            name=op.f("fk_contract_signer_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["signer_id"], ["user_account.id"], name=op.f("fk_contract_signer_id")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["user_account.id"], name=op.f("fk_contract_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
        sa.UniqueConstraint("code", name=op.f("uq_contract_code")),
    )
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contract_approval"), ["approval"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_contract_opportunity_id"), ["opportunity_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_contract_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_signed_on"), ["signed_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_contract_signer_id"), ["signer_id"], unique=False)
        batch_op.create_index("uq_contract_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "import_problem",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=80), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("fatal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("advice", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["import_job.id"], name=op.f("fk_import_problem_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_problem")),
    )
    with op.batch_alter_table("import_problem", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_problem_job_id"), ["job_id"], unique=False)

    op.create_table(
        "opportunity_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opportunity_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("quantity", models.core.types.Quantity(), nullable=False),
        sa.Column("price", models.core.types.Money(), nullable=False),
        sa.Column("discount_bp", sa.Integer(), nullable=False),
        sa.Column("subtotal", models.core.types.Money(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "discount_bp BETWEEN 0 AND 10000", name=op.f("ck_opportunity_line_discount_sane")
        ),
        sa.CheckConstraint(
            "price >= 0 AND subtotal >= 0", name=op.f("ck_opportunity_line_money_not_negative")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_opportunity_line_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["opportunity_id"],
            ["opportunity.id"],
            name=op.f("fk_opportunity_line_opportunity_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_opportunity_line_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_line")),
    )
    with op.batch_alter_table("opportunity_line", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_opportunity_line_opportunity_id"), ["opportunity_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_opportunity_line_product_id"), ["product_id"], unique=False
        )

    op.create_table(
        "stage_history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opportunity_id", sa.Integer(), nullable=False),
        sa.Column("from_stage_id", sa.Integer(), nullable=True),
        sa.Column("to_stage_id", sa.Integer(), nullable=False),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user_account.id"], name=op.f("fk_stage_history_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_stage_id"], ["stage.id"], name=op.f("fk_stage_history_from_stage_id")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_stage_history_opportunity_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_stage_id"], ["stage.id"], name=op.f("fk_stage_history_to_stage_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_history")),
    )
    with op.batch_alter_table("stage_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_stage_history_opportunity_id"), ["opportunity_id"], unique=False
        )

    op.create_table(
        "contract_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("quantity", models.core.types.Quantity(), nullable=False),
        sa.Column("price", models.core.types.Money(), nullable=False),
        sa.Column("discount_bp", sa.Integer(), nullable=False),
        sa.Column("subtotal", models.core.types.Money(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "discount_bp BETWEEN 0 AND 10000", name=op.f("ck_contract_line_discount_sane")
        ),
        sa.CheckConstraint(
            "price >= 0 AND subtotal >= 0", name=op.f("ck_contract_line_money_not_negative")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_contract_line_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contract.id"],
            name=op.f("fk_contract_line_contract_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_contract_line_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_line")),
    )
    with op.batch_alter_table("contract_line", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contract_line_contract_id"), ["contract_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_contract_line_product_id"), ["product_id"], unique=False
        )

    op.create_table(
        "follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("opportunity_id", sa.Integer(), nullable=True),
        sa.Column("contract_id", sa.Integer(), nullable=True),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "call",
                "wechat",
                "email",
                "sms",
                "visit",
                "reception",
                "meeting",
                "other",
                "system",
                name="follow_up_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("purpose_id", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=True),
        sa.Column(
            "result",
            sa.Enum(
                "intent",
                "going_on",
                "none",
                "won",
                "lost",
                name="follow_up_result",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "status_to",
            sa.Enum(
                "new",
                "contacting",
                "intent",
                "negotiating",
                "won",
                "dormant",
                "lost",
                "invalid",
                name="customer_status",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column("stage_to_id", sa.Integer(), nullable=True),
        sa.Column("started_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("place", sa.String(length=160), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("checked_in_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("companions", sa.String(length=120), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("owner_department_id", sa.Integer(), nullable=True),
        sa.Column(
            "origin",
            sa.Enum(
                "manual",
                "approval",
                name="origin",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(origin = 'approval') = (kind = 'system') AND (origin = 'approval') = (request_id IS NOT NULL)",
            name=op.f("ck_follow_up_approval_rows_have_request"),
        ),
        sa.CheckConstraint(
            "started_at IS NULL OR ended_at IS NULL OR started_at <= ended_at",
            name=op.f("ck_follow_up_ends_later"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_follow_up_contact_id")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_follow_up_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_follow_up_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_follow_up_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_follow_up_opportunity_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_department_id"],
            ["department.id"],
            name=op.f("fk_follow_up_owner_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_follow_up_owner_id")
        ),
        sa.ForeignKeyConstraint(
            ["purpose_id"], ["dictionary_option.id"], name=op.f("fk_follow_up_purpose_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_follow_up_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["stage_to_id"], ["stage.id"], name=op.f("fk_follow_up_stage_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up")),
        sa.UniqueConstraint("request_id", name=op.f("uq_follow_up_request_id")),
    )
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_up_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_follow_up_customer_at", ["customer_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_up_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_follow_up_opportunity_id"), ["opportunity_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_follow_up_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index("uq_follow_up_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "special",
                "general",
                "receipt",
                name="invoice_type",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("amount", models.core.types.Money(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=True),
        sa.Column("tax_no", sa.String(length=40), nullable=True),
        sa.Column("bank", sa.String(length=120), nullable=True),
        sa.Column("account_no", sa.String(length=60), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "issued",
                "red",
                name="invoice_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state = 'requested' OR issued_on IS NOT NULL", name=op.f("ck_invoice_issued_has_date")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_invoice_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_invoice_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_invoice_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_invoice_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("code", name=op.f("uq_invoice_code")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
    )
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_invoice_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", models.core.types.Money(), nullable=False),
        sa.Column("payer", sa.String(length=120), nullable=True),
        sa.Column(
            "method",
            sa.Enum(
                "cheque",
                "cash",
                "wire",
                "bank",
                "alipay",
                "wechat",
                "acceptance",
                "other",
                name="payment_method",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("voucher", sa.String(length=80), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "registered",
                "confirmed",
                "reversed",
                name="payment_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("owner_department_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_by_id", sa.Integer(), nullable=True),
        sa.Column("confirmed_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("remark", sa.String(length=300), nullable=True),
        sa.Column("external_ref", sa.String(length=80), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'registered') = (confirmed_at IS NULL)",
            name=op.f("ck_payment_confirmed_has_time"),
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_payment_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["confirmed_by_id"], ["user_account.id"], name=op.f("fk_payment_confirmed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_payment_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_payment_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_payment_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_department_id"], ["department.id"], name=op.f("fk_payment_owner_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_payment_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("code", name=op.f("uq_payment_code")),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_contract_id"), ["contract_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_paid_on"), ["paid_on"], unique=False)
        batch_op.create_index("uq_payment_external_ref", ["external_ref"], unique=True)

    op.create_table(
        "payment_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("ratio_bp", sa.Integer(), nullable=True),
        sa.Column("amount", models.core.types.Money(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("owner_department_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_payment_plan_amount_not_negative")),
        sa.CheckConstraint(
            "ratio_bp IS NULL OR ratio_bp BETWEEN 0 AND 10000",
            name=op.f("ck_payment_plan_ratio_percent"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contract.id"],
            name=op.f("fk_payment_plan_contract_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["owner_department_id"],
            ["department.id"],
            name=op.f("fk_payment_plan_owner_department_id"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_payment_plan_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_plan")),
        sa.UniqueConstraint(
            "contract_id", "ordinal", name=op.f("uq_payment_plan_contract_id_ordinal")
        ),
    )
    with op.batch_alter_table("payment_plan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_plan_contract_id"), ["contract_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_payment_plan_due_on"), ["due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_plan_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "sales_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("contract_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "done",
                "cancelled",
                name="order_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("deliver_on", sa.Date(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["contract.id"], name=op.f("fk_sales_order_contract_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_sales_order_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_sales_order_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_sales_order_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint("code", name=op.f("uq_sales_order_code")),
    )
    with op.batch_alter_table("sales_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sales_order_contract_id"), ["contract_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_sales_order_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_sales_order_customer_id"), ["customer_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_sales_order_deleted_at"), ["deleted_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sales_order_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "follow_up_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("due_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("opportunity_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "call",
                "wechat",
                "email",
                "sms",
                "visit",
                "reception",
                "meeting",
                "other",
                "system",
                name="follow_up_kind",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("content", sa.String(length=300), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("done_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("deleted_at", models.core.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind <> 'system'", name=op.f("ck_follow_up_plan_kind_is_human")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_follow_up_plan_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_follow_up_plan_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["follow_up.id"], name=op.f("fk_follow_up_plan_done_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["follow_up.id"], name=op.f("fk_follow_up_plan_made_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_id"], ["opportunity.id"], name=op.f("fk_follow_up_plan_opportunity_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user_account.id"], name=op.f("fk_follow_up_plan_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_plan")),
    )
    with op.batch_alter_table("follow_up_plan", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_follow_up_plan_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_follow_up_plan_customer_id"), ["customer_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_follow_up_plan_deleted_at"), ["deleted_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_follow_up_plan_due_at"), ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_follow_up_plan_made_by_id"), ["made_by_id"], unique=False
        )
        batch_op.create_index(
            "ix_follow_up_plan_open",
            ["owner_id", "due_at"],
            unique=False,
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_follow_up_plan_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "order_milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "done",
                "skipped",
                name="milestone_state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.String(length=160), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", models.core.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'done') = (done_on IS NOT NULL)",
            name=op.f("ck_order_milestone_done_has_date"),
        ),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_order_milestone_weight_not_negative")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user_account.id"], name=op.f("fk_order_milestone_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_order_milestone_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_milestone")),
    )
    with op.batch_alter_table("order_milestone", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_order_milestone_created_at"), ["created_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_order_milestone_order_id"), ["order_id"], unique=False)

    op.create_table(
        "payment_allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("amount", models.core.types.Money(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_payment_allocation_amount_not_zero")),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payment.id"],
            name=op.f("fk_payment_allocation_payment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["payment_plan.id"], name=op.f("fk_payment_allocation_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_allocation")),
        sa.UniqueConstraint(
            "payment_id", "plan_id", name=op.f("uq_payment_allocation_payment_id_plan_id")
        ),
    )
    with op.batch_alter_table("payment_allocation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_payment_allocation_payment_id"), ["payment_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_payment_allocation_plan_id"), ["plan_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("department") as batch_op:
        batch_op.drop_constraint("fk_department_created_by_id", type_="foreignkey")
        batch_op.drop_constraint("fk_department_head_id", type_="foreignkey")

    with op.batch_alter_table("payment_allocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_allocation_plan_id"))
        batch_op.drop_index(batch_op.f("ix_payment_allocation_payment_id"))

    op.drop_table("payment_allocation")
    with op.batch_alter_table("order_milestone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_order_milestone_order_id"))
        batch_op.drop_index(batch_op.f("ix_order_milestone_created_at"))

    op.drop_table("order_milestone")
    with op.batch_alter_table("follow_up_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_owner_id"))
        batch_op.drop_index(
            "ix_follow_up_plan_open",
            sqlite_where=sa.text("done_at IS NULL"),
            postgresql_where=sa.text("done_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_made_by_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_due_at"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_customer_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_plan_created_at"))

    op.drop_table("follow_up_plan")
    with op.batch_alter_table("sales_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sales_order_owner_id"))
        batch_op.drop_index(batch_op.f("ix_sales_order_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_sales_order_customer_id"))
        batch_op.drop_index(batch_op.f("ix_sales_order_created_at"))
        batch_op.drop_index(batch_op.f("ix_sales_order_contract_id"))

    op.drop_table("sales_order")
    with op.batch_alter_table("payment_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_plan_owner_id"))
        batch_op.drop_index(batch_op.f("ix_payment_plan_due_on"))
        batch_op.drop_index(batch_op.f("ix_payment_plan_contract_id"))

    op.drop_table("payment_plan")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index("uq_payment_external_ref")
        batch_op.drop_index(batch_op.f("ix_payment_paid_on"))
        batch_op.drop_index(batch_op.f("ix_payment_owner_id"))
        batch_op.drop_index(batch_op.f("ix_payment_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_payment_customer_id"))
        batch_op.drop_index(batch_op.f("ix_payment_created_at"))
        batch_op.drop_index(batch_op.f("ix_payment_contract_id"))

    op.drop_table("payment")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_owner_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_invoice_customer_id"))
        batch_op.drop_index(batch_op.f("ix_invoice_created_at"))
        batch_op.drop_index(batch_op.f("ix_invoice_contract_id"))

    op.drop_table("invoice")
    with op.batch_alter_table("follow_up", schema=None) as batch_op:
        batch_op.drop_index("uq_follow_up_external_ref")
        batch_op.drop_index(batch_op.f("ix_follow_up_owner_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_opportunity_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_deleted_at"))
        batch_op.drop_index("ix_follow_up_customer_at")
        batch_op.drop_index(batch_op.f("ix_follow_up_created_at"))
        batch_op.drop_index(batch_op.f("ix_follow_up_contract_id"))
        batch_op.drop_index(batch_op.f("ix_follow_up_at"))

    op.drop_table("follow_up")
    with op.batch_alter_table("contract_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contract_line_product_id"))
        batch_op.drop_index(batch_op.f("ix_contract_line_contract_id"))

    op.drop_table("contract_line")
    with op.batch_alter_table("stage_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stage_history_opportunity_id"))

    op.drop_table("stage_history")
    with op.batch_alter_table("opportunity_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opportunity_line_product_id"))
        batch_op.drop_index(batch_op.f("ix_opportunity_line_opportunity_id"))

    op.drop_table("opportunity_line")
    with op.batch_alter_table("import_problem", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_problem_job_id"))

    op.drop_table("import_problem")
    with op.batch_alter_table("contract", schema=None) as batch_op:
        batch_op.drop_index("uq_contract_external_ref")
        batch_op.drop_index(batch_op.f("ix_contract_signer_id"))
        batch_op.drop_index(batch_op.f("ix_contract_signed_on"))
        batch_op.drop_index(batch_op.f("ix_contract_owner_id"))
        batch_op.drop_index(batch_op.f("ix_contract_opportunity_id"))
        batch_op.drop_index(batch_op.f("ix_contract_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_contract_customer_id"))
        batch_op.drop_index(batch_op.f("ix_contract_created_at"))
        batch_op.drop_index(batch_op.f("ix_contract_approval"))

    op.drop_table("contract")
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_index("uq_opportunity_external_ref")
        batch_op.drop_index(batch_op.f("ix_opportunity_stage_id"))
        batch_op.drop_index(batch_op.f("ix_opportunity_owner_id"))
        batch_op.drop_index(batch_op.f("ix_opportunity_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_opportunity_customer_id"))
        batch_op.drop_index("ix_opportunity_created_owner")
        batch_op.drop_index(batch_op.f("ix_opportunity_created_at"))
        batch_op.drop_index(batch_op.f("ix_opportunity_closed_on"))
        batch_op.drop_index(batch_op.f("ix_opportunity_approval"))

    op.drop_table("opportunity")
    op.drop_table("import_job")
    with op.batch_alter_table("approval_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_task_request_id"))
        batch_op.drop_index("ix_approval_task_assignee_state")

    op.drop_table("approval_task")
    with op.batch_alter_table("approval_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_event_request_id"))

    op.drop_table("approval_event")
    with op.batch_alter_table("approval_cc", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_cc_user_id"))

    op.drop_table("approval_cc")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_contact_primary",
            sqlite_where=sa.text("is_primary AND deleted_at IS NULL"),
            postgresql_where=sa.text("is_primary AND deleted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_contact_mobile"))
        batch_op.drop_index(batch_op.f("ix_contact_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_contact_customer_id"))
        batch_op.drop_index(batch_op.f("ix_contact_created_at"))

    op.drop_table("contact")
    with op.batch_alter_table("approval_request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_approval_request_open",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index(batch_op.f("ix_approval_request_submitted_by_id"))
        batch_op.drop_index(batch_op.f("ix_approval_request_state"))
        batch_op.drop_index(batch_op.f("ix_approval_request_customer_id"))

    op.drop_table("approval_request")
    op.drop_table("user_role")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_index("uq_customer_external_ref")
        batch_op.drop_index(batch_op.f("ix_customer_technical_id"))
        batch_op.drop_index(batch_op.f("ix_customer_region_code"))
        batch_op.drop_index(batch_op.f("ix_customer_owner_id"))
        batch_op.drop_index(batch_op.f("ix_customer_deleted_at"))
        batch_op.drop_index(batch_op.f("ix_customer_created_at"))
        batch_op.drop_index(batch_op.f("ix_customer_company"))
        batch_op.drop_index("ix_customer_approval_owner")
        batch_op.drop_index(batch_op.f("ix_customer_approval"))

    op.drop_table("customer")
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_item_job_id"))

    op.drop_table("batch_item")
    with op.batch_alter_table("approval_step", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_step_flow_id"))
        batch_op.drop_index(batch_op.f("ix_approval_step_created_at"))

    op.drop_table("approval_step")
    with op.batch_alter_table("stage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stage_created_at"))

    op.drop_table("stage")
    with op.batch_alter_table("setting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_setting_created_at"))

    op.drop_table("setting")
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_created_at"))

    op.drop_table("role")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index("uq_product_external_ref")
        batch_op.drop_index(batch_op.f("ix_product_created_at"))

    op.drop_table("product")
    with op.batch_alter_table("number_rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_number_rule_created_at"))

    op.drop_table("number_rule")
    with op.batch_alter_table("dictionary_option", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dictionary_option_created_at"))

    op.drop_table("dictionary_option")
    with op.batch_alter_table("calendar_day", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calendar_day_created_at"))

    op.drop_table("calendar_day")
    with op.batch_alter_table("batch_job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_job_actor_id"))

    op.drop_table("batch_job")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_log_record")
        batch_op.drop_index(batch_op.f("ix_audit_log_at"))
        batch_op.drop_index(batch_op.f("ix_audit_log_actor_id"))

    op.drop_table("audit_log")
    with op.batch_alter_table("approval_flow", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_approval_flow_created_at"))

    op.drop_table("approval_flow")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index("uq_user_account_external_ref")
        batch_op.drop_index(batch_op.f("ix_user_account_department_id"))
        batch_op.drop_index(batch_op.f("ix_user_account_created_at"))

    op.drop_table("user_account")
    op.drop_table("number_counter")
    with op.batch_alter_table("department", schema=None) as batch_op:
        batch_op.drop_index("uq_department_external_ref")
        batch_op.drop_index(batch_op.f("ix_department_created_at"))

    op.drop_table("department")
