"""The ledger: movements, rewards handed out, refunds, consent, imports, reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.models.base import UtcDateTime
from portal.models.walls import allow, forbid, raise_walls

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)
MOMENT = UtcDateTime(timezone=True)
TABLES = """
    enrolment_fingerprints import_batches import_rows consent_events customer_merges
    order_refunds reward_issues loyalty_transactions review_items
    tier_changes transaction_notes reward_stores
""".split()
APPEND_ONLY = ("loyalty_transactions", "tier_changes", "consent_events")
SEARCHED = {"customers": ("phone", "email", "external_ref"), "card_tokens": ("value",)}
LAST_WORD = "replace(name_key, rtrim(name_key, replace(name_key, ' ', '')), '')"


def upgrade() -> None:
    op.create_table(
        "enrolment_fingerprints",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("forget_after", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('phone', 'email')", name=op.f("ck_enrolment_fingerprints_kind_known")),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_enrolment_fingerprints_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_fingerprints")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_enrolment_fingerprints_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id",
            "kind",
            "fingerprint",
            name=op.f("uq_enrolment_fingerprints_merchant_id_kind_fingerprint"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "import_batches",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("source_hash", sa.String(), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_by_id", NUMBER, nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'undoing', 'undone')", name=op.f("ck_import_batches_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_import_batches_merchant_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["users.id"], name=op.f("fk_import_batches_started_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batches")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_import_batches_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_import_batches_source", "import_batches", ["merchant_id", "kind", "source_hash"])
    op.create_index(
        "ix_import_batches_started_by_id",
        "import_batches",
        ["started_by_id"],
        sqlite_where=sa.text("started_by_id IS NOT NULL"),
        postgresql_where=sa.text("started_by_id IS NOT NULL"),
    )

    op.create_table(
        "import_rows",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("batch_id", NUMBER, nullable=False),
        sa.Column("row_key", sa.String(), nullable=False),
        sa.Column("line", NUMBER, nullable=False),
        sa.Column("fate", sa.String(), nullable=False),
        sa.Column("made_kind", sa.String(), nullable=True),
        sa.Column("made_id", NUMBER, nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("before", JSON, nullable=True),
        sa.CheckConstraint(
            "fate IN ('new', 'changed', 'same', 'kept_anonymous', 'refused')",
            name=op.f("ck_import_rows_fate_known"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "batch_id"],
            ["import_batches.merchant_id", "import_batches.id"],
            name=op.f("fk_import_rows_merchant_id_batch_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_import_rows_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_rows")),
        sa.UniqueConstraint(
            "merchant_id", "batch_id", "row_key", name=op.f("uq_import_rows_merchant_id_batch_id_row_key")
        ),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_import_rows_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consent_events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("customer_id", NUMBER, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("is_given", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("noted_by_id", NUMBER, nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_consent_events_merchant_id_customer_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_consent_events_merchant_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["noted_by_id"], ["users.id"], name=op.f("fk_consent_events_noted_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_consent_events_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consent_events_newest", "consent_events", ["merchant_id", "customer_id", "id"])
    op.create_index(
        "ix_consent_events_noted_by_id",
        "consent_events",
        ["noted_by_id"],
        sqlite_where=sa.text("noted_by_id IS NOT NULL"),
        postgresql_where=sa.text("noted_by_id IS NOT NULL"),
    )

    op.create_table(
        "order_refunds",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("amount_cents", NUMBER, nullable=False),
        sa.Column("eligible_cents", NUMBER, nullable=False),
        sa.Column("lines", JSON, nullable=False),
        sa.Column("refunded_by_id", NUMBER, nullable=True),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("key_id", NUMBER, nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_order_refunds_gives_money_back")),
        sa.CheckConstraint(
            "eligible_cents >= 0 AND eligible_cents <= amount_cents",
            name=op.f("ck_order_refunds_eligible_within_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "key_id"],
            ["idempotency_keys.merchant_id", "idempotency_keys.id"],
            name=op.f("fk_order_refunds_merchant_id_key_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "order_id"],
            ["orders.merchant_id", "orders.id"],
            name=op.f("fk_order_refunds_merchant_id_order_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_order_refunds_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_order_refunds_merchant_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["refunded_by_id"],
            ["users.id"],
            name=op.f("fk_order_refunds_refunded_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refunds")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_order_refunds_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_order_refunds_merchant_id_key_id",
        "order_refunds",
        ["merchant_id", "key_id"],
        sqlite_where=sa.text("key_id IS NOT NULL"),
        postgresql_where=sa.text("key_id IS NOT NULL"),
    )
    op.create_index("ix_order_refunds_merchant_id_order_id", "order_refunds", ["merchant_id", "order_id"])
    op.create_index(
        "ix_order_refunds_merchant_id_store_id",
        "order_refunds",
        ["merchant_id", "store_id"],
        sqlite_where=sa.text("store_id IS NOT NULL"),
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_order_refunds_refunded_by_id",
        "order_refunds",
        ["refunded_by_id"],
        sqlite_where=sa.text("refunded_by_id IS NOT NULL"),
        postgresql_where=sa.text("refunded_by_id IS NOT NULL"),
    )

    op.create_table(
        "reward_issues",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("card_id", NUMBER, nullable=False),
        sa.Column("reward_id", NUMBER, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("points_price", NUMBER, nullable=False),
        sa.Column("stamps_target", NUMBER, nullable=False),
        sa.Column("discount_cents", NUMBER, nullable=True),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("redeemed_at", MOMENT, nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("issued_store_id", NUMBER, nullable=True),
        sa.Column("redeemed_store_id", NUMBER, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(status = 'redeemed') = (redeemed_at IS NOT NULL)",
            name=op.f("ck_reward_issues_redeemed_has_a_time"),
        ),
        sa.CheckConstraint(
            "status IN ('issued', 'redeemed', 'cancelled', 'expired')",
            name=op.f("ck_reward_issues_status_known"),
        ),
        sa.CheckConstraint(
            "(points_price > 0) <> (stamps_target > 0)", name=op.f("ck_reward_issues_of_points_or_stamps")
        ),
        sa.CheckConstraint(
            "points_price >= 0 AND stamps_target >= 0", name=op.f("ck_reward_issues_prices_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "card_id"],
            ["loyalty_cards.merchant_id", "loyalty_cards.id"],
            name=op.f("fk_reward_issues_merchant_id_card_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "issued_store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_reward_issues_merchant_id_issued_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "redeemed_store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_reward_issues_merchant_id_redeemed_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_id"],
            ["loyalty_rewards.merchant_id", "loyalty_rewards.id"],
            name=op.f("fk_reward_issues_merchant_id_reward_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_reward_issues_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_issues")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_reward_issues_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reward_issues_merchant_id_card_id", "reward_issues", ["merchant_id", "card_id"])
    op.create_index(
        "ix_reward_issues_merchant_id_issued_store_id",
        "reward_issues",
        ["merchant_id", "issued_store_id"],
        sqlite_where=sa.text("issued_store_id IS NOT NULL"),
        postgresql_where=sa.text("issued_store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_reward_issues_merchant_id_redeemed_store_id",
        "reward_issues",
        ["merchant_id", "redeemed_store_id"],
        sqlite_where=sa.text("redeemed_store_id IS NOT NULL"),
        postgresql_where=sa.text("redeemed_store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_reward_issues_merchant_id_reward_id",
        "reward_issues",
        ["merchant_id", "reward_id"],
        sqlite_where=sa.text("reward_id IS NOT NULL"),
        postgresql_where=sa.text("reward_id IS NOT NULL"),
    )
    op.create_index("ix_reward_issues_open", "reward_issues", ["merchant_id", "status", "expires_at", "id"])

    op.create_table(
        "loyalty_transactions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("card_id", NUMBER, nullable=False),
        sa.Column("program_id", NUMBER, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("points_delta", NUMBER, nullable=False),
        sa.Column("stamps_delta", NUMBER, nullable=False),
        sa.Column("points_after", NUMBER, nullable=False),
        sa.Column("stamps_after", NUMBER, nullable=False),
        sa.Column("amount_cents", NUMBER, nullable=True),
        sa.Column("eligible_cents", NUMBER, nullable=True),
        sa.Column("order_id", NUMBER, nullable=True),
        sa.Column("attempt_no", NUMBER, nullable=True),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("staff_id", NUMBER, nullable=True),
        sa.Column("device_id", NUMBER, nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("rule_snapshot", JSON, nullable=False),
        sa.Column("program_version", NUMBER, nullable=False),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("key_id", NUMBER, nullable=True),
        sa.Column("reverses_id", NUMBER, nullable=True),
        sa.Column("linked_id", NUMBER, nullable=True),
        sa.Column("reward_issue_id", NUMBER, nullable=True),
        sa.Column("batch_id", NUMBER, nullable=True),
        sa.Column("is_pin_unverified", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(type = 'void') = (reverses_id IS NOT NULL AND type = 'void')",
            name=op.f("ck_loyalty_transactions_void_of_a_row"),
        ),
        sa.CheckConstraint(
            "order_id IS NULL OR type <> 'earn' OR attempt_no IS NOT NULL",
            name=op.f("ck_loyalty_transactions_earn_has_attempt"),
        ),
        sa.CheckConstraint(
            "source IN ('till', 'portal', 'api', 'cli', 'offline', 'import', 'system')",
            name=op.f("ck_loyalty_transactions_source_known"),
        ),
        sa.CheckConstraint(
            "type IN ('enrol', 'welcome_bonus', 'earn', 'stamp', 'stamp_complete', 'redeem', 'redeem_cancel', 'refund_reversal', 'refund_return', 'void', 'adjust', 'expire', 'forfeit', 'merge_in', 'merge_out', 'import', 'convert')",
            name=op.f("ck_loyalty_transactions_type_known"),
        ),
        sa.CheckConstraint(
            "type IN ('void', 'adjust', 'merge_in', 'merge_out', 'import', 'convert') OR (type = 'enrol' AND points_delta = 0) OR (type = 'welcome_bonus' AND points_delta >= 0) OR (type = 'earn' AND points_delta >= 0) OR (type = 'stamp' AND points_delta = 0) OR (type = 'stamp_complete' AND points_delta = 0) OR (type = 'redeem' AND points_delta <= 0) OR (type = 'redeem_cancel' AND points_delta >= 0) OR (type = 'refund_reversal' AND points_delta <= 0) OR (type = 'refund_return' AND points_delta >= 0) OR (type = 'expire' AND points_delta <= 0) OR (type = 'forfeit' AND points_delta <= 0)",
            name=op.f("ck_loyalty_transactions_points_delta_sign"),
        ),
        sa.CheckConstraint(
            "type IN ('void', 'adjust', 'merge_in', 'merge_out', 'import', 'convert') OR (type = 'enrol' AND stamps_delta = 0) OR (type = 'welcome_bonus' AND stamps_delta = 0) OR (type = 'earn' AND stamps_delta >= 0) OR (type = 'stamp' AND stamps_delta >= 0) OR (type = 'stamp_complete' AND stamps_delta <= 0) OR (type = 'redeem' AND stamps_delta = 0) OR (type = 'redeem_cancel' AND stamps_delta >= 0) OR (type = 'refund_reversal' AND stamps_delta = 0) OR (type = 'refund_return' AND stamps_delta >= 0) OR (type = 'expire' AND stamps_delta = 0) OR (type = 'forfeit' AND stamps_delta <= 0)",
            name=op.f("ck_loyalty_transactions_stamps_delta_sign"),
        ),
        sa.CheckConstraint(
            "amount_cents IS NULL OR amount_cents >= 0",
            name=op.f("ck_loyalty_transactions_amount_not_negative"),
        ),
        sa.CheckConstraint(
            "eligible_cents IS NULL OR eligible_cents >= 0",
            name=op.f("ck_loyalty_transactions_eligible_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "batch_id"],
            ["import_batches.merchant_id", "import_batches.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_batch_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "card_id"],
            ["loyalty_cards.merchant_id", "loyalty_cards.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_card_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "device_id"],
            ["till_devices.merchant_id", "till_devices.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_device_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "key_id"],
            ["idempotency_keys.merchant_id", "idempotency_keys.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_key_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "linked_id"],
            ["loyalty_transactions.merchant_id", "loyalty_transactions.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_linked_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "order_id"],
            ["orders.merchant_id", "orders.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_order_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["loyalty_programs.merchant_id", "loyalty_programs.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_program_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reverses_id"],
            ["loyalty_transactions.merchant_id", "loyalty_transactions.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_reverses_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_issue_id"],
            ["reward_issues.merchant_id", "reward_issues.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_reward_issue_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_loyalty_transactions_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_loyalty_transactions_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["users.id"], name=op.f("fk_loyalty_transactions_staff_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_transactions")),
        sa.UniqueConstraint(
            "merchant_id", "card_id", "id", name=op.f("uq_loyalty_transactions_merchant_id_card_id_id")
        ),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_loyalty_transactions_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_batch_id",
        "loyalty_transactions",
        ["merchant_id", "batch_id"],
        sqlite_where=sa.text("batch_id IS NOT NULL"),
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_device_id",
        "loyalty_transactions",
        ["merchant_id", "device_id"],
        sqlite_where=sa.text("device_id IS NOT NULL"),
        postgresql_where=sa.text("device_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_key_id",
        "loyalty_transactions",
        ["merchant_id", "key_id"],
        sqlite_where=sa.text("key_id IS NOT NULL"),
        postgresql_where=sa.text("key_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_linked_id",
        "loyalty_transactions",
        ["merchant_id", "linked_id"],
        sqlite_where=sa.text("linked_id IS NOT NULL"),
        postgresql_where=sa.text("linked_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_order_id",
        "loyalty_transactions",
        ["merchant_id", "order_id"],
        sqlite_where=sa.text("order_id IS NOT NULL"),
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_program_id",
        "loyalty_transactions",
        ["merchant_id", "program_id"],
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_reverses_id",
        "loyalty_transactions",
        ["merchant_id", "reverses_id"],
        sqlite_where=sa.text("reverses_id IS NOT NULL"),
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_reward_issue_id",
        "loyalty_transactions",
        ["merchant_id", "reward_issue_id"],
        sqlite_where=sa.text("reward_issue_id IS NOT NULL"),
        postgresql_where=sa.text("reward_issue_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_merchant_id_store_id",
        "loyalty_transactions",
        ["merchant_id", "store_id"],
        sqlite_where=sa.text("store_id IS NOT NULL"),
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_transactions_newest", "loyalty_transactions", ["merchant_id", "occurred_at", "id"]
    )
    op.create_index(
        "ix_loyalty_transactions_staff_id",
        "loyalty_transactions",
        ["staff_id"],
        sqlite_where=sa.text("staff_id IS NOT NULL"),
        postgresql_where=sa.text("staff_id IS NOT NULL"),
    )
    op.create_index(
        "uq_loyalty_transactions_bonus",
        "loyalty_transactions",
        ["merchant_id", "card_id"],
        unique=True,
        sqlite_where=sa.text("type = 'welcome_bonus'"),
        postgresql_where=sa.text("type = 'welcome_bonus'"),
    )
    op.create_index(
        "uq_loyalty_transactions_earn",
        "loyalty_transactions",
        ["merchant_id", "order_id", "attempt_no"],
        unique=True,
        sqlite_where=sa.text("type = 'earn'"),
        postgresql_where=sa.text("type = 'earn'"),
    )
    op.create_index(
        "uq_loyalty_transactions_void",
        "loyalty_transactions",
        ["merchant_id", "reverses_id"],
        unique=True,
        sqlite_where=sa.text("type = 'void'"),
        postgresql_where=sa.text("type = 'void'"),
    )

    op.create_table(
        "review_items",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason_code", sa.String(), nullable=False),
        sa.Column("details", JSON, nullable=False),
        sa.Column("card_id", NUMBER, nullable=True),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("transaction_id", NUMBER, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.Column("resolved_by_id", NUMBER, nullable=True),
        sa.CheckConstraint(
            "(status = 'open') = (resolved_at IS NULL)", name=op.f("ck_review_items_resolved_has_a_time")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'accepted', 'dismissed')", name=op.f("ck_review_items_status_known")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "card_id"],
            ["loyalty_cards.merchant_id", "loyalty_cards.id"],
            name=op.f("fk_review_items_merchant_id_card_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_review_items_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "transaction_id"],
            ["loyalty_transactions.merchant_id", "loyalty_transactions.id"],
            name=op.f("fk_review_items_merchant_id_transaction_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_review_items_merchant_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by_id"], ["users.id"], name=op.f("fk_review_items_resolved_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_items")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_review_items_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_review_items_merchant_id_card_id",
        "review_items",
        ["merchant_id", "card_id"],
        sqlite_where=sa.text("card_id IS NOT NULL"),
        postgresql_where=sa.text("card_id IS NOT NULL"),
    )
    op.create_index(
        "ix_review_items_merchant_id_store_id",
        "review_items",
        ["merchant_id", "store_id"],
        sqlite_where=sa.text("store_id IS NOT NULL"),
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_review_items_merchant_id_transaction_id",
        "review_items",
        ["merchant_id", "transaction_id"],
        sqlite_where=sa.text("transaction_id IS NOT NULL"),
        postgresql_where=sa.text("transaction_id IS NOT NULL"),
    )
    op.create_index("ix_review_items_open", "review_items", ["merchant_id", "status", "id"])
    op.create_index(
        "ix_review_items_resolved_by_id",
        "review_items",
        ["resolved_by_id"],
        sqlite_where=sa.text("resolved_by_id IS NOT NULL"),
        postgresql_where=sa.text("resolved_by_id IS NOT NULL"),
    )

    op.create_table(
        "tier_changes",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("card_id", NUMBER, nullable=False),
        sa.Column("from_key", sa.String(), nullable=True),
        sa.Column("to_key", sa.String(), nullable=True),
        sa.Column("qualifying_points", NUMBER, nullable=False),
        sa.Column("program_version", NUMBER, nullable=False),
        sa.Column("transaction_id", NUMBER, nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "coalesce(from_key, '') <> coalesce(to_key, '')", name=op.f("ck_tier_changes_goes_somewhere")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "card_id"],
            ["loyalty_cards.merchant_id", "loyalty_cards.id"],
            name=op.f("fk_tier_changes_merchant_id_card_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "transaction_id"],
            ["loyalty_transactions.merchant_id", "loyalty_transactions.id"],
            name=op.f("fk_tier_changes_merchant_id_transaction_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_tier_changes_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_changes")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_tier_changes_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tier_changes_merchant_id_card_id", "tier_changes", ["merchant_id", "card_id"])
    op.create_index(
        "ix_tier_changes_merchant_id_transaction_id",
        "tier_changes",
        ["merchant_id", "transaction_id"],
        sqlite_where=sa.text("transaction_id IS NOT NULL"),
        postgresql_where=sa.text("transaction_id IS NOT NULL"),
    )

    op.create_table(
        "transaction_notes",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("transaction_id", NUMBER, nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("written_by_id", NUMBER, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "transaction_id"],
            ["loyalty_transactions.merchant_id", "loyalty_transactions.id"],
            name=op.f("fk_transaction_notes_merchant_id_transaction_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_transaction_notes_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["written_by_id"],
            ["users.id"],
            name=op.f("fk_transaction_notes_written_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transaction_notes")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_transaction_notes_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_transaction_notes_merchant_id_transaction_id",
        "transaction_notes",
        ["merchant_id", "transaction_id"],
    )
    op.create_index(
        "ix_transaction_notes_written_by_id",
        "transaction_notes",
        ["written_by_id"],
        sqlite_where=sa.text("written_by_id IS NOT NULL"),
        postgresql_where=sa.text("written_by_id IS NOT NULL"),
    )
    op.create_table(
        "customer_merges",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("survivor_id", NUMBER, nullable=False),
        sa.Column("loser_id", NUMBER, nullable=False),
        sa.Column("loser_deletion_id", NUMBER, nullable=True),
        sa.Column("moved", JSON, nullable=False),
        sa.Column("merged_by_id", NUMBER, nullable=True),
        sa.Column("merged_at", MOMENT, nullable=False),
        sa.Column("unmerged_at", MOMENT, nullable=True),
        sa.CheckConstraint("survivor_id <> loser_id", name=op.f("ck_customer_merges_of_two_people")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "survivor_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_customer_merges_merchant_id_survivor_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "loser_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_customer_merges_merchant_id_loser_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "loser_deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_customer_merges_merchant_id_loser_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merged_by_id"], ["users.id"], name=op.f("fk_customer_merges_merged_by_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_customer_merges_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_merges")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_customer_merges_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_customer_merges_merchant_id_survivor_id", "customer_merges", ["merchant_id", "survivor_id"]
    )
    op.create_index("ix_customer_merges_merchant_id_loser_id", "customer_merges", ["merchant_id", "loser_id"])
    op.create_index(
        "ix_customer_merges_merchant_id_loser_deletion_id",
        "customer_merges",
        ["merchant_id", "loser_deletion_id"],
        sqlite_where=sa.text("loser_deletion_id IS NOT NULL"),
        postgresql_where=sa.text("loser_deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_merges_merged_by_id",
        "customer_merges",
        ["merged_by_id"],
        sqlite_where=sa.text("merged_by_id IS NOT NULL"),
        postgresql_where=sa.text("merged_by_id IS NOT NULL"),
    )
    op.create_table(
        "reward_stores",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("reward_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "reward_id"],
            ["loyalty_rewards.merchant_id", "loyalty_rewards.id"],
            name=op.f("fk_reward_stores_merchant_id_reward_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_reward_stores_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name=op.f("fk_reward_stores_merchant_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_stores")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_reward_stores_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id",
            "reward_id",
            "store_id",
            name=op.f("uq_reward_stores_merchant_id_reward_id_store_id"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reward_stores_merchant_id_store_id", "reward_stores", ["merchant_id", "store_id"])
    op.create_index("ix_card_tokens_value", "card_tokens", ["merchant_id", "kind", "value"])
    # When points expire is counted from the last activity and the rules of the day; a copy would go stale.
    op.drop_column("loyalty_cards", "expires_at")

    dialect = op.get_bind().dialect.name
    _collate("C")
    is_kept = dialect == "postgresql"  # SQLite adds no column to a table that it would have to fill
    key = sa.String(collation="C" if is_kept else None)
    last_word = sa.Computed(LAST_WORD, persisted=is_kept)
    op.add_column("customers", sa.Column("last_name_key", key, last_word, nullable=True))
    op.create_index(
        "ix_customers_last_name_live",
        "customers",
        ["merchant_id", "last_name_key", "id"],
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    for table in APPEND_ONLY:
        for statement in forbid(dialect, table, "UPDATE", "DELETE"):
            op.execute(statement)
    if dialect == "postgresql":
        for statement in raise_walls(TABLES):
            op.execute(statement)


def _collate(collation: str) -> None:
    """Compare what people search for by its bytes, so that a prefix is a range of the index."""
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in SEARCHED.items():
            for column in columns:
                op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar COLLATE "{collation}"')


def downgrade() -> None:
    op.drop_index("ix_card_tokens_value", "card_tokens")
    op.drop_index("ix_customers_last_name_live", table_name="customers")
    op.drop_column("customers", "last_name_key")
    _collate("default")
    op.add_column("loyalty_cards", sa.Column("expires_at", MOMENT, nullable=True))
    for table in APPEND_ONLY:
        for statement in allow(op.get_bind().dialect.name, table, "UPDATE", "DELETE"):
            op.execute(statement)
    for table in reversed(TABLES):
        op.drop_table(table)
