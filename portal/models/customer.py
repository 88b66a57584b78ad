"""A member of one merchant."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Computed, Date, FromClause
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.models.base import Key, Model, TimestampMixin
from portal.models.ownership import Rule, tenant_key
from portal.models.soft_delete import LIVE, SoftDeleteMixin, live_index, live_unique
from portal.models.tenancy import Tenant
from portal.models.text import checked_email, checked_name, fold
from portal.words import counted

# The last word of the folded name, in words both engines know: what is left once all before the last
# space is taken away. The databases keep it: behind row-level security PostgreSQL looks no expression up
# in an index, only columns.
LAST_WORD = "replace(name_key, rtrim(name_key, replace(name_key, ' ', '')), '')"


class Customer(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """A member of one merchant; the phone in E.164, the e-mail folded."""

    __tablename__ = "customers"
    label_column = "name"
    scrubs = {
        "name": "deleted customer #{id}",
        "name_key": "deleted customer #{id}",
        "phone": None,
        "phone_reversed": None,
        "email": None,
        "birthday": None,
        "notes": None,
        "external_ref": None,
    }

    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(Key)
    # People look for Martin as well as for Lea.
    last_name_key: Mapped[str | None] = mapped_column(Key, Computed(LAST_WORD, persisted=True), deferred=True)
    phone: Mapped[str | None] = mapped_column(Key)
    phone_reversed: Mapped[str | None] = mapped_column(Key)
    email: Mapped[str | None] = mapped_column(Key)
    birthday: Mapped[date | None] = mapped_column(Date)
    notes: Mapped[str | None]
    home_store_id: Mapped[int | None]
    external_ref: Mapped[str | None] = mapped_column(Key)
    merged_into_id: Mapped[int | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("home_store_id", "stores", Rule.HISTORY),
        tenant_key("merged_into_id", "customers", Rule.HISTORY),
        live_unique("uq_customers_phone_live", "merchant_id", "phone"),
        live_unique("uq_customers_email_live", "merchant_id", "email"),
        live_unique("uq_customers_external_ref_live", "merchant_id", "external_ref"),
        live_index("ix_customers_newest_live", "merchant_id", "created_at", "id"),
        live_index("ix_customers_name_live", "merchant_id", "name_key", "id"),
        live_index("ix_customers_last_name_live", "merchant_id", "last_name_key", "id"),
        live_index("ix_customers_phone_reversed_live", "merchant_id", "phone_reversed"),
        CheckConstraint(f"erased_at IS NULL OR NOT {LIVE}", name="erased_is_dead"),
        {"info": {"words": counted("customer", "customers")}},
    )

    @validates("name")
    def _key_the_name(self, field: str, name: str) -> str:
        checked = checked_name(name, field.replace("_", " "))
        self.name_key = fold(checked)
        return checked

    @validates("email")
    def _fold_the_email(self, _: str, email: str | None) -> str | None:
        return checked_email(email) if email else None

    @validates("phone")
    def _key_the_phone(self, _: str, phone: str | None) -> str | None:
        self.phone_reversed = phone[::-1] if phone else None  # the till searches the last digits
        return phone


def records_under(name: str) -> FromClause:
    """Call the table by another name, the dead included: records merged into another lie in the trash."""
    return Customer.__table__.alias(name)
