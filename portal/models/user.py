"""A person: with a login, or known only at the till."""

from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.models.base import Key, Model, TimestampMixin
from portal.models.soft_delete import SoftDeleteMixin, live_index, live_unique
from portal.models.text import checked_code, checked_email, checked_name, fold
from portal.words import counted

if TYPE_CHECKING:
    from portal.models.merchant import MerchantOwner
    from portal.models.store_user import StoreUser


class User(SoftDeleteMixin, TimestampMixin, Model):
    """A person. Global: may work for several merchants; e-mail and username stand folded."""

    __tablename__ = "users"
    label_column = "display_name"
    scrubs = {
        "display_name": "deleted person #{id}",
        "name_key": "deleted person #{id}",
        "email": None,
        "username": None,
        "password_hash": None,
        "is_platform_admin": False,
    }

    display_name: Mapped[str]
    name_key: Mapped[str] = mapped_column(Key)
    email: Mapped[str | None]
    username: Mapped[str | None]
    password_hash: Mapped[str | None]
    is_platform_admin: Mapped[bool] = mapped_column(default=False)

    store_users: Mapped[list["StoreUser"]] = relationship(
        back_populates="user", foreign_keys="StoreUser.user_id"
    )
    owned: Mapped[list["MerchantOwner"]] = relationship(
        back_populates="user", foreign_keys="MerchantOwner.user_id"
    )

    __table_args__ = (
        live_unique("uq_users_email_live", "email"),
        live_unique("uq_users_username_live", "username"),
        live_index("ix_users_name_live", "name_key", "id"),
        CheckConstraint("display_name <> ''", name="has_a_name"),
        {"info": {"words": counted("person", "people")}},
    )

    @validates("display_name")
    def _key_the_name(self, field: str, name: str) -> str:
        checked = checked_name(name, field.replace("_", " "))
        self.name_key = fold(checked)
        return checked

    @validates("email")
    def _fold_the_email(self, _: str, email: str | None) -> str | None:
        return checked_email(email) if email else None

    @validates("username")
    def _fold_the_username(self, _: str, username: str | None) -> str | None:
        return checked_code(username, "username") if username else None

    @property
    def can_sign_in(self) -> bool:
        """Whether the person has a way to sign in; others are known only at the till."""
        return self.password_hash is not None
