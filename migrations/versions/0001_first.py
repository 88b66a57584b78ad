"""The first tables, with row-level security and append-only rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from portal.models.base import UtcDateTime
from portal.models.walls import allow, forbid, raise_walls

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)
MOMENT = UtcDateTime(timezone=True)
TABLES = """
    outbox sign_in_attempts users audit_log deletions idempotency_keys login_sessions
    merchants loyalty_programs merchant_owners stores customers invitations
    loyalty_rewards media products program_versions store_users till_devices loyalty_cards
    orders staff_pins card_tokens order_lines
""".split()
GLOBAL = {"users", "merchants", "login_sessions", "sign_in_attempts"}
APPEND_ONLY = {
    "audit_log": ("UPDATE", "DELETE"),
    "deletions": ("DELETE",),
    "program_versions": ("UPDATE",),  # they go only when their program is purged
}


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_outbox_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["merchant_id", "due_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL"),
    )

    op.create_table(
        "sign_in_attempts",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("attempted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_sign_in_attempts_subject", "sign_in_attempts", ["subject", "attempted_at"], unique=False
    )

    op.create_table(
        "users",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("username", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_platform_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint("display_name <> ''", name=op.f("ck_users_has_a_name")),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)", name=op.f("ck_users_dead_by_a_deletion")
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_users_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        info={"word": "person", "words": "people"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_users_deleted_by_id",
        "users",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_users_deletion_id",
        "users",
        ["deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_users_name_live",
        "users",
        ["name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_users_email_live",
        "users",
        ["email"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_users_username_live",
        "users",
        ["username"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "audit_log",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("actor_id", NUMBER, nullable=True),
        sa.Column("actor_role", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", NUMBER, nullable=True),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("details", JSON, nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_audit_log_actor_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_audit_log_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_audit_log_actor_id",
        "audit_log",
        ["actor_id"],
        unique=False,
        sqlite_where=sa.text("actor_id IS NOT NULL"),
        postgresql_where=sa.text("actor_id IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_log_newest", "audit_log", ["merchant_id", "occurred_at", "id"], unique=False
    )
    op.create_index(
        "ix_audit_log_subject",
        "audit_log",
        ["merchant_id", "subject_kind", "subject_id"],
        unique=False,
    )

    op.create_table(
        "deletions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("parent_id", NUMBER, nullable=True),
        sa.Column("root_kind", sa.String(), nullable=False),
        sa.Column("root_id", NUMBER, nullable=False),
        sa.Column("root_label", sa.String(), nullable=True),
        sa.Column("label_key", KEY, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deleted_by_role", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("departed", JSON, nullable=False),
        sa.Column("received", JSON, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("restored_at", MOMENT, nullable=True),
        sa.Column("restored_by_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.Column("purge_after", MOMENT, nullable=True),
        sa.Column("hold", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status IN ('running', 'done', 'restoring', 'restored', 'purging', 'purged')",
            name=op.f("ck_deletions_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_deletions_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["restored_by_id"],
            ["users.id"],
            name=op.f("fk_deletions_restored_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_deletions_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deletions_deleted_by_id",
        "deletions",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deletions_due",
        "deletions",
        ["merchant_id", "purge_after"],
        unique=False,
        sqlite_where=sa.text("status = 'done'"),
        postgresql_where=sa.text("status = 'done'"),
    )
    op.create_index(
        "ix_deletions_label",
        "deletions",
        ["merchant_id", "label_key"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'done', 'restoring')"),
        postgresql_where=sa.text("status IN ('running', 'done', 'restoring')"),
    )
    op.create_index(
        "ix_deletions_parent_id",
        "deletions",
        ["parent_id"],
        unique=False,
        sqlite_where=sa.text("parent_id IS NOT NULL"),
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deletions_restored_by_id",
        "deletions",
        ["restored_by_id"],
        unique=False,
        sqlite_where=sa.text("restored_by_id IS NOT NULL"),
        postgresql_where=sa.text("restored_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deletions_root", "deletions", ["merchant_id", "root_kind", "root_id"], unique=False
    )
    op.create_index(
        "ix_deletions_trash",
        "deletions",
        ["merchant_id", "deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'done', 'restoring')"),
        postgresql_where=sa.text("status IN ('running', 'done', 'restoring')"),
    )
    op.create_index(
        "ix_deletions_trash_kind",
        "deletions",
        ["merchant_id", "root_kind", "deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'done', 'restoring')"),
        postgresql_where=sa.text("status IN ('running', 'done', 'restoring')"),
    )
    op.create_index(
        "ix_deletions_trash_person",
        "deletions",
        ["merchant_id", "deleted_by_id", "deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'done', 'restoring')"),
        postgresql_where=sa.text("status IN ('running', 'done', 'restoring')"),
    )
    op.create_index(
        "ix_deletions_trash_store",
        "deletions",
        ["merchant_id", "store_id", "deleted_at", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'done', 'restoring')"),
        postgresql_where=sa.text("status IN ('running', 'done', 'restoring')"),
    )
    op.create_index(
        "ix_deletions_unfinished",
        "deletions",
        ["merchant_id", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'restoring', 'purging')"),
        postgresql_where=sa.text("status IN ('running', 'restoring', 'purging')"),
    )

    op.create_table(
        "idempotency_keys",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("actor_id", NUMBER, nullable=True),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("result_kind", sa.String(), nullable=True),
        sa.Column("result_id", NUMBER, nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"],
            ["users.id"],
            name=op.f("fk_idempotency_keys_actor_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_idempotency_keys_merchant_id_id")),
        sa.UniqueConstraint("merchant_id", "key", name=op.f("uq_idempotency_keys_merchant_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_idempotency_keys_actor_id",
        "idempotency_keys",
        ["actor_id"],
        unique=False,
        sqlite_where=sa.text("actor_id IS NOT NULL"),
        postgresql_where=sa.text("actor_id IS NOT NULL"),
    )

    op.create_table(
        "login_sessions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_login_sessions_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_login_sessions_open",
        "login_sessions",
        ["user_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "ix_login_sessions_user_id",
        "login_sessions",
        ["user_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index("uq_login_sessions_token_hash", "login_sessions", ["token_hash"], unique=True)

    op.create_table(
        "merchants",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subdomain", sa.String(), nullable=False),
        sa.Column("public_ref", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("retention_days", NUMBER, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_merchants_has_a_name")),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_merchants_dead_by_a_deletion"),
        ),
        sa.CheckConstraint("retention_days >= 0", name=op.f("ck_merchants_retention_not_negative")),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_merchants_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_merchants_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchants")),
        info={"word": "merchant"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_merchants_deleted_by_id",
        "merchants",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_merchants_id_deletion_id",
        "merchants",
        ["id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index("uq_merchants_public_ref", "merchants", ["public_ref"], unique=True)
    op.create_index(
        "uq_merchants_subdomain_live",
        "merchants",
        ["subdomain"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "loyalty_programs",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("loyalty_type", sa.String(), nullable=False),
        sa.Column("stamps_target", NUMBER, nullable=False),
        sa.Column("stamps_reward_description", sa.String(), nullable=False),
        sa.Column("stamps_reward_value_cents", NUMBER, nullable=True),
        sa.Column("points_per_euro", NUMBER, nullable=False),
        sa.Column("points_expiration_days", NUMBER, nullable=True),
        sa.Column("welcome_bonus_points", NUMBER, nullable=False),
        sa.Column("minimum_redemption_points", NUMBER, nullable=False),
        sa.Column("minimum_purchase_cents", NUMBER, nullable=False),
        sa.Column("tier_config", JSON, nullable=False),
        sa.Column("cooldown_minutes", NUMBER, nullable=False),
        sa.Column("max_daily_stamps", NUMBER, nullable=False),
        sa.Column("max_stamps_per_transaction", NUMBER, nullable=False),
        sa.Column("require_staff_pin", sa.Boolean(), nullable=False),
        sa.Column("card_name", sa.String(), nullable=True),
        sa.Column("card_color", sa.String(), nullable=False),
        sa.Column("card_secondary_color", sa.String(), nullable=True),
        sa.Column("logo_url", sa.String(), nullable=True),
        sa.Column("hero_image_url", sa.String(), nullable=True),
        sa.Column("google_issuer_id", sa.String(), nullable=True),
        sa.Column("google_class_id", sa.String(), nullable=True),
        sa.Column("apple_pass_type_id", sa.String(), nullable=True),
        sa.Column("apple_team_id", sa.String(), nullable=True),
        sa.Column("terms_text", sa.String(), nullable=True),
        sa.Column("privacy_url", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("activated_at", MOMENT, nullable=True),
        sa.Column("redeem_until", MOMENT, nullable=True),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("clawback_policy", sa.String(), nullable=False),
        sa.Column("void_window_hours", NUMBER, nullable=False),
        sa.Column("reward_valid_days", NUMBER, nullable=True),
        sa.Column("tier_window_days", NUMBER, nullable=True),
        sa.Column("tier_grace_days", NUMBER, nullable=False),
        sa.Column("adjust_approval_points", NUMBER, nullable=True),
        sa.Column("point_value_cents", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("convert_rate", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("expiry_floor_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "card_color IS NULL OR (length(card_color) = 7 AND substr(card_color, 1, 1) = '#' AND trim(lower(substr(card_color, 2)), '0123456789abcdef') = '')",
            name=op.f("ck_loyalty_programs_card_color_is_hex"),
        ),
        sa.CheckConstraint(
            "card_secondary_color IS NULL OR (length(card_secondary_color) = 7 AND substr(card_secondary_color, 1, 1) = '#' AND trim(lower(substr(card_secondary_color, 2)), '0123456789abcdef') = '')",
            name=op.f("ck_loyalty_programs_card_secondary_color_is_hex"),
        ),
        sa.CheckConstraint(
            "clawback_policy IN ('allow_negative', 'clamp_to_zero')",
            name=op.f("ck_loyalty_programs_clawback_policy_known"),
        ),
        sa.CheckConstraint(
            "loyalty_type IN ('stamps', 'points', 'hybrid')",
            name=op.f("ck_loyalty_programs_loyalty_type_known"),
        ),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_loyalty_programs_dead_by_a_deletion"),
        ),
        sa.CheckConstraint(
            "cooldown_minutes >= 0", name=op.f("ck_loyalty_programs_cooldown_minutes_in_range")
        ),
        sa.CheckConstraint(
            "max_daily_stamps >= 0", name=op.f("ck_loyalty_programs_max_daily_stamps_in_range")
        ),
        sa.CheckConstraint(
            "max_stamps_per_transaction >= 1",
            name=op.f("ck_loyalty_programs_max_stamps_per_transaction_in_range"),
        ),
        sa.CheckConstraint(
            "minimum_purchase_cents >= 0",
            name=op.f("ck_loyalty_programs_minimum_purchase_cents_in_range"),
        ),
        sa.CheckConstraint(
            "minimum_redemption_points >= 0",
            name=op.f("ck_loyalty_programs_minimum_redemption_points_in_range"),
        ),
        sa.CheckConstraint(
            "adjust_approval_points IS NULL OR adjust_approval_points >= 0",
            name=op.f("ck_loyalty_programs_adjust_approval_points_in_range"),
        ),
        sa.CheckConstraint(
            "convert_rate IS NULL OR convert_rate >= 0",
            name=op.f("ck_loyalty_programs_convert_rate_in_range"),
        ),
        sa.CheckConstraint(
            "point_value_cents IS NULL OR point_value_cents >= 0",
            name=op.f("ck_loyalty_programs_point_value_cents_in_range"),
        ),
        sa.CheckConstraint(
            "points_expiration_days IS NULL OR points_expiration_days >= 1",
            name=op.f("ck_loyalty_programs_points_expiration_days_in_range"),
        ),
        sa.CheckConstraint(
            "reward_valid_days IS NULL OR reward_valid_days >= 1",
            name=op.f("ck_loyalty_programs_reward_valid_days_in_range"),
        ),
        sa.CheckConstraint(
            "stamps_reward_value_cents IS NULL OR stamps_reward_value_cents >= 0",
            name=op.f("ck_loyalty_programs_stamps_reward_value_cents_in_range"),
        ),
        sa.CheckConstraint(
            "tier_window_days IS NULL OR tier_window_days >= 1",
            name=op.f("ck_loyalty_programs_tier_window_days_in_range"),
        ),
        sa.CheckConstraint(
            "points_per_euro >= 0 AND points_per_euro <= 10000",
            name=op.f("ck_loyalty_programs_points_per_euro_in_range"),
        ),
        sa.CheckConstraint(
            "stamps_target >= 1 AND stamps_target <= 100",
            name=op.f("ck_loyalty_programs_stamps_target_in_range"),
        ),
        sa.CheckConstraint(
            "tier_grace_days >= 0", name=op.f("ck_loyalty_programs_tier_grace_days_in_range")
        ),
        sa.CheckConstraint(
            "void_window_hours >= 0", name=op.f("ck_loyalty_programs_void_window_hours_in_range")
        ),
        sa.CheckConstraint(
            "welcome_bonus_points >= 0",
            name=op.f("ck_loyalty_programs_welcome_bonus_points_in_range"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_loyalty_programs_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_loyalty_programs_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_loyalty_programs_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_programs")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_loyalty_programs_merchant_id_id")),
        info={"word": "program"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_loyalty_programs_deleted_by_id",
        "loyalty_programs",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_programs_merchant_id_deletion_id",
        "loyalty_programs",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "uq_loyalty_programs_live",
        "loyalty_programs",
        ["merchant_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "merchant_owners",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_merchant_owners_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_merchant_owners_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_merchant_owners_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_merchant_owners_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_merchant_owners_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant_owners")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_merchant_owners_merchant_id_id")),
        info={"word": "owner"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_merchant_owners_deleted_by_id",
        "merchant_owners",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_merchant_owners_merchant_id_deletion_id",
        "merchant_owners",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_merchant_owners_user_id",
        "merchant_owners",
        ["user_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "uq_merchant_owners_live",
        "merchant_owners",
        ["merchant_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "stores",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("subdomain", sa.String(), nullable=True),
        sa.Column("join_code", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("postal_code", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_stores_has_a_name")),
        sa.CheckConstraint("store_code <> ''", name=op.f("ck_stores_has_a_code")),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_stores_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_stores_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_stores_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_stores_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stores")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_stores_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id", "join_code", name=op.f("uq_stores_merchant_id_join_code")
        ),
        info={"word": "store"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_stores_deleted_by_id",
        "stores",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stores_merchant_id_deletion_id",
        "stores",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_stores_name_live",
        "stores",
        ["merchant_id", "name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_stores_external_ref_live",
        "stores",
        ["merchant_id", "external_ref"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_stores_store_code_live",
        "stores",
        ["merchant_id", "store_code"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_stores_subdomain_live",
        "stores",
        ["subdomain"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "customers",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("phone_reversed", KEY, nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("notes", sa.String(), nullable=True),
        sa.Column("home_store_id", NUMBER, nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("merged_into_id", NUMBER, nullable=True),
        sa.Column("erased_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_customers_dead_by_a_deletion"),
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR NOT deleted_at IS NULL", name=op.f("ck_customers_erased_is_dead")
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_customers_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_customers_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "home_store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_customers_merchant_id_home_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "merged_into_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_customers_merchant_id_merged_into_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_customers_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_customers_merchant_id_id")),
        info={"word": "customer"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_customers_deleted_by_id",
        "customers",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_merchant_id_deletion_id",
        "customers",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_merchant_id_home_store_id",
        "customers",
        ["merchant_id", "home_store_id"],
        unique=False,
        sqlite_where=sa.text("home_store_id IS NOT NULL"),
        postgresql_where=sa.text("home_store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_merchant_id_merged_into_id",
        "customers",
        ["merchant_id", "merged_into_id"],
        unique=False,
        sqlite_where=sa.text("merged_into_id IS NOT NULL"),
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customers_name_live",
        "customers",
        ["merchant_id", "name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_customers_newest_live",
        "customers",
        ["merchant_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_customers_phone_reversed_live",
        "customers",
        ["merchant_id", "phone_reversed"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_customers_email_live",
        "customers",
        ["merchant_id", "email"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_customers_external_ref_live",
        "customers",
        ["merchant_id", "external_ref"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_customers_phone_live",
        "customers",
        ["merchant_id", "phone"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "invitations",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("invited_by_id", NUMBER, nullable=True),
        sa.Column("accepted_by_id", NUMBER, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(role = 'owner') = (store_id IS NULL)",
            name=op.f("ck_invitations_owner_has_every_store"),
        ),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'staff')", name=op.f("ck_invitations_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["accepted_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_accepted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"],
            ["users.id"],
            name=op.f("fk_invitations_invited_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_invitations_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_invitations_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_invitations_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id", "token_hash", name=op.f("uq_invitations_merchant_id_token_hash")
        ),
        info={"word": "invitation"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_invitations_accepted_by_id",
        "invitations",
        ["accepted_by_id"],
        unique=False,
        sqlite_where=sa.text("accepted_by_id IS NOT NULL"),
        postgresql_where=sa.text("accepted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_invitations_invited_by_id",
        "invitations",
        ["invited_by_id"],
        unique=False,
        sqlite_where=sa.text("invited_by_id IS NOT NULL"),
        postgresql_where=sa.text("invited_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_invitations_merchant_id_store_id",
        "invitations",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=sa.text("store_id IS NOT NULL"),
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )

    op.create_table(
        "loyalty_rewards",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("program_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("points_required", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("discount_cents", NUMBER, nullable=True),
        sa.Column("stock", NUMBER, nullable=True),
        sa.Column("per_customer_limit", NUMBER, nullable=True),
        sa.Column("tier_key", sa.String(), nullable=True),
        sa.Column("valid_from", MOMENT, nullable=True),
        sa.Column("valid_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_loyalty_rewards_dead_by_a_deletion"),
        ),
        sa.CheckConstraint(
            "discount_cents IS NULL OR discount_cents >= 0",
            name=op.f("ck_loyalty_rewards_discount_not_negative"),
        ),
        sa.CheckConstraint("points_required > 0", name=op.f("ck_loyalty_rewards_costs_points")),
        sa.CheckConstraint(
            "stock IS NULL OR stock >= 0", name=op.f("ck_loyalty_rewards_stock_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_loyalty_rewards_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_loyalty_rewards_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["loyalty_programs.merchant_id", "loyalty_programs.id"],
            name=op.f("fk_loyalty_rewards_merchant_id_program_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_loyalty_rewards_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_rewards")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_loyalty_rewards_merchant_id_id")),
        info={"word": "reward"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_loyalty_rewards_deleted_by_id",
        "loyalty_rewards",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_rewards_merchant_id_deletion_id",
        "loyalty_rewards",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_rewards_merchant_id_program_id",
        "loyalty_rewards",
        ["merchant_id", "program_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )

    op.create_table(
        "media",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("width", NUMBER, nullable=False),
        sa.Column("height", NUMBER, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("program_id", NUMBER, nullable=True),
        sa.Column("uploaded_by_id", NUMBER, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_media_has_a_size")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["loyalty_programs.merchant_id", "loyalty_programs.id"],
            name=op.f("fk_media_merchant_id_program_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_media_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"],
            ["users.id"],
            name=op.f("fk_media_uploaded_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_media_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id", "sha256", "kind", name=op.f("uq_media_merchant_id_sha256_kind")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_media_merchant_id_program_id",
        "media",
        ["merchant_id", "program_id"],
        unique=False,
        sqlite_where=sa.text("program_id IS NOT NULL"),
        postgresql_where=sa.text("program_id IS NOT NULL"),
    )
    op.create_index(
        "ix_media_uploaded_by_id",
        "media",
        ["uploaded_by_id"],
        unique=False,
        sqlite_where=sa.text("uploaded_by_id IS NOT NULL"),
        postgresql_where=sa.text("uploaded_by_id IS NOT NULL"),
    )

    op.create_table(
        "products",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("sku", sa.String(), nullable=True),
        sa.Column("barcode", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("price_cents", NUMBER, nullable=False),
        sa.Column("earns_points", sa.Boolean(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_products_has_a_name")),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_products_dead_by_a_deletion"),
        ),
        sa.CheckConstraint("price_cents >= 0", name=op.f("ck_products_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_products_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_products_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_products_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_products_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_products_merchant_id_id")),
        info={"word": "product"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_products_category_live",
        "products",
        ["merchant_id", "category", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_products_deleted_by_id",
        "products",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_products_merchant_id_deletion_id",
        "products",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_products_merchant_id_store_id",
        "products",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_products_name_live",
        "products",
        ["merchant_id", "name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_products_price_live",
        "products",
        ["merchant_id", "price_cents", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_products_store_name_live",
        "products",
        ["merchant_id", "store_id", "name_key", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_products_external_ref_live",
        "products",
        ["merchant_id", "store_id", "external_ref"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_products_sku_live",
        "products",
        ["merchant_id", "store_id", "sku"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "program_versions",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("program_id", NUMBER, nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("rules", JSON, nullable=False),
        sa.Column("saved_by_id", NUMBER, nullable=True),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["loyalty_programs.merchant_id", "loyalty_programs.id"],
            name=op.f("fk_program_versions_merchant_id_program_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_program_versions_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["saved_by_id"],
            ["users.id"],
            name=op.f("fk_program_versions_saved_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_program_versions")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_program_versions_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id",
            "program_id",
            "version",
            name=op.f("uq_program_versions_merchant_id_program_id_version"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_program_versions_saved_by_id",
        "program_versions",
        ["saved_by_id"],
        unique=False,
        sqlite_where=sa.text("saved_by_id IS NOT NULL"),
        postgresql_where=sa.text("saved_by_id IS NOT NULL"),
    )

    op.create_table(
        "store_users",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.Column("user_id", NUMBER, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("position", sa.String(), nullable=True),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint("role IN ('manager', 'staff')", name=op.f("ck_store_users_role_known")),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_store_users_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_store_users_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_store_users_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_store_users_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_store_users_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_store_users_user_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_users")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_store_users_merchant_id_id")),
        info={"word": "team member"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_store_users_deleted_by_id",
        "store_users",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_store_users_merchant_id_deletion_id",
        "store_users",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_store_users_merchant_id_store_id",
        "store_users",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_store_users_user_id",
        "store_users",
        ["user_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "uq_store_users_external_ref_live",
        "store_users",
        ["merchant_id", "external_ref"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_store_users_live",
        "store_users",
        ["merchant_id", "store_id", "user_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "till_devices",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("paired_by_id", NUMBER, nullable=True),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_till_devices_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_till_devices_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_till_devices_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_till_devices_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_till_devices_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["paired_by_id"],
            ["users.id"],
            name=op.f("fk_till_devices_paired_by_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till_devices")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_till_devices_merchant_id_id")),
        sa.UniqueConstraint(
            "merchant_id", "token_hash", name=op.f("uq_till_devices_merchant_id_token_hash")
        ),
        info={"word": "tablet"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_till_devices_deleted_by_id",
        "till_devices",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_till_devices_merchant_id_deletion_id",
        "till_devices",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_till_devices_merchant_id_store_id",
        "till_devices",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_till_devices_paired_by_id",
        "till_devices",
        ["paired_by_id"],
        unique=False,
        sqlite_where=sa.text("paired_by_id IS NOT NULL"),
        postgresql_where=sa.text("paired_by_id IS NOT NULL"),
    )

    op.create_table(
        "loyalty_cards",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("program_id", NUMBER, nullable=False),
        sa.Column("customer_id", NUMBER, nullable=False),
        sa.Column("points_balance", NUMBER, nullable=False),
        sa.Column("stamps_balance", NUMBER, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("tier_key", sa.String(), nullable=True),
        sa.Column("last_activity_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("expiry_floor_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "status IN ('active', 'suspended')", name=op.f("ck_loyalty_cards_status_known")
        ),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_loyalty_cards_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_loyalty_cards_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_loyalty_cards_merchant_id_customer_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_loyalty_cards_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "program_id"],
            ["loyalty_programs.merchant_id", "loyalty_programs.id"],
            name=op.f("fk_loyalty_cards_merchant_id_program_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_loyalty_cards_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loyalty_cards")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_loyalty_cards_merchant_id_id")),
        info={"word": "card"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_loyalty_cards_deleted_by_id",
        "loyalty_cards",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_cards_merchant_id_customer_id",
        "loyalty_cards",
        ["merchant_id", "customer_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_loyalty_cards_merchant_id_deletion_id",
        "loyalty_cards",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_loyalty_cards_merchant_id_program_id",
        "loyalty_cards",
        ["merchant_id", "program_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "uq_loyalty_cards_live",
        "loyalty_cards",
        ["merchant_id", "program_id", "customer_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "orders",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=True),
        sa.Column("customer_id", NUMBER, nullable=True),
        sa.Column("sold_by_id", NUMBER, nullable=True),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("total_cents", NUMBER, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_orders_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_orders_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "customer_id"],
            ["customers.merchant_id", "customers.id"],
            name=op.f("fk_orders_merchant_id_customer_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_orders_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_orders_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_orders_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["sold_by_id"], ["users.id"], name=op.f("fk_orders_sold_by_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_orders_merchant_id_id")),
        info={"word": "order"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_orders_deleted_by_id",
        "orders",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_merchant_id_customer_id",
        "orders",
        ["merchant_id", "customer_id"],
        unique=False,
        sqlite_where=sa.text("customer_id IS NOT NULL"),
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_merchant_id_deletion_id",
        "orders",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_merchant_id_store_id",
        "orders",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=sa.text("store_id IS NOT NULL"),
        postgresql_where=sa.text("store_id IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_newest_live",
        "orders",
        ["merchant_id", "occurred_at", "id"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_orders_sold_by_id",
        "orders",
        ["sold_by_id"],
        unique=False,
        sqlite_where=sa.text("sold_by_id IS NOT NULL"),
        postgresql_where=sa.text("sold_by_id IS NOT NULL"),
    )
    op.create_index(
        "uq_orders_external_ref_live",
        "orders",
        ["merchant_id", "external_ref"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "staff_pins",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("store_id", NUMBER, nullable=False),
        sa.Column("store_user_id", NUMBER, nullable=True),
        sa.Column("merchant_owner_id", NUMBER, nullable=True),
        sa.Column("pin_hash", sa.String(), nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_staff_pins_dead_by_a_deletion"),
        ),
        sa.CheckConstraint(
            "(store_user_id IS NULL) <> (merchant_owner_id IS NULL)",
            name=op.f("ck_staff_pins_of_one_person"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_staff_pins_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_staff_pins_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "merchant_owner_id"],
            ["merchant_owners.merchant_id", "merchant_owners.id"],
            name=op.f("fk_staff_pins_merchant_id_merchant_owner_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_id"],
            ["stores.merchant_id", "stores.id"],
            name=op.f("fk_staff_pins_merchant_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "store_user_id"],
            ["store_users.merchant_id", "store_users.id"],
            name=op.f("fk_staff_pins_merchant_id_store_user_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_staff_pins_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_pins")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_staff_pins_merchant_id_id")),
        info={"word": "PIN"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_staff_pins_deleted_by_id",
        "staff_pins",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_staff_pins_merchant_id_deletion_id",
        "staff_pins",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "ix_staff_pins_merchant_id_merchant_owner_id",
        "staff_pins",
        ["merchant_id", "merchant_owner_id"],
        unique=False,
        sqlite_where=sa.text("merchant_owner_id IS NOT NULL"),
        postgresql_where=sa.text("merchant_owner_id IS NOT NULL"),
    )
    op.create_index(
        "ix_staff_pins_merchant_id_store_id",
        "staff_pins",
        ["merchant_id", "store_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_staff_pins_merchant_id_store_user_id",
        "staff_pins",
        ["merchant_id", "store_user_id"],
        unique=False,
        sqlite_where=sa.text("store_user_id IS NOT NULL"),
        postgresql_where=sa.text("store_user_id IS NOT NULL"),
    )
    op.create_index(
        "uq_staff_pins_member_live",
        "staff_pins",
        ["merchant_id", "store_user_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "uq_staff_pins_owner_live",
        "staff_pins",
        ["merchant_id", "store_id", "merchant_owner_id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.create_table(
        "card_tokens",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("card_id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("deleted_by_id", NUMBER, nullable=True),
        sa.Column("deletion_id", NUMBER, nullable=True),
        sa.Column("purged_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('qr', 'number', 'legacy')", name=op.f("ck_card_tokens_kind_known")
        ),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deletion_id IS NULL)",
            name=op.f("ck_card_tokens_dead_by_a_deletion"),
        ),
        sa.ForeignKeyConstraint(
            ["deleted_by_id"],
            ["users.id"],
            name=op.f("fk_card_tokens_deleted_by_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "card_id"],
            ["loyalty_cards.merchant_id", "loyalty_cards.id"],
            name=op.f("fk_card_tokens_merchant_id_card_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "deletion_id"],
            ["deletions.merchant_id", "deletions.id"],
            name=op.f("fk_card_tokens_merchant_id_deletion_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_card_tokens_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_tokens")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_card_tokens_merchant_id_id")),
        info={"word": "card token"},
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_card_tokens_deleted_by_id",
        "card_tokens",
        ["deleted_by_id"],
        unique=False,
        sqlite_where=sa.text("deleted_by_id IS NOT NULL"),
        postgresql_where=sa.text("deleted_by_id IS NOT NULL"),
    )
    op.create_index(
        "ix_card_tokens_merchant_id_card_id",
        "card_tokens",
        ["merchant_id", "card_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_card_tokens_merchant_id_deletion_id",
        "card_tokens",
        ["merchant_id", "deletion_id"],
        unique=False,
        sqlite_where=sa.text("deletion_id IS NOT NULL"),
        postgresql_where=sa.text("deletion_id IS NOT NULL"),
    )
    op.create_index(
        "uq_card_tokens_value_live",
        "card_tokens",
        ["merchant_id", "kind", "value"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND revoked_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL AND revoked_at IS NULL"),
    )

    op.create_table(
        "order_lines",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("merchant_id", NUMBER, nullable=False),
        sa.Column("order_id", NUMBER, nullable=False),
        sa.Column("product_id", NUMBER, nullable=True),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit_price_cents", NUMBER, nullable=False),
        sa.Column("amount_cents", NUMBER, nullable=False),
        sa.Column("earns_points", sa.Boolean(), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_order_lines_has_a_name")),
        sa.ForeignKeyConstraint(
            ["merchant_id", "order_id"],
            ["orders.merchant_id", "orders.id"],
            name=op.f("fk_order_lines_merchant_id_order_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id", "product_id"],
            ["products.merchant_id", "products.id"],
            name=op.f("fk_order_lines_merchant_id_product_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchants.id"],
            name=op.f("fk_order_lines_merchant_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("merchant_id", "id", name=op.f("uq_order_lines_merchant_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_order_lines_merchant_id_order_id",
        "order_lines",
        ["merchant_id", "order_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_order_lines_merchant_id_product_id",
        "order_lines",
        ["merchant_id", "product_id"],
        unique=False,
        sqlite_where=sa.text("product_id IS NOT NULL"),
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
    for table, verbs in APPEND_ONLY.items():
        for statement in forbid(op.get_bind().dialect.name, table, *verbs):
            op.execute(statement)
    if op.get_bind().dialect.name == "postgresql":
        for statement in raise_walls(t for t in TABLES if t not in GLOBAL):
            op.execute(statement)


def downgrade() -> None:
    for table, verbs in APPEND_ONLY.items():
        for statement in allow(op.get_bind().dialect.name, table, *verbs):
            op.execute(statement)
    for table in reversed(TABLES):
        op.drop_table(table)
