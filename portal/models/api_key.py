"""A key by which a program acts for a platform admin."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.models.base import Model, utc_now
from portal.models.ownership import Rule, global_key
from portal.models.text import checked_name
from portal.models.user import User


class ApiKey(Model):
    """A bearer key for the admin API: only its hash is kept, and it may do what its person may.

    `hint` is the beginning of the secret, by which people tell keys apart.
    """

    __tablename__ = "api_keys"

    user_id: Mapped[int] = mapped_column(global_key("users.id", Rule.PART))
    name: Mapped[str]
    hint: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()

    __table_args__ = (
        Index("uq_api_keys_token_hash", "token_hash", unique=True),
        CheckConstraint("name <> ''", name="has_a_name"),
    )

    @validates("name")
    def _trim_the_name(self, _: str, name: str) -> str:
        return checked_name(name)

    def is_valid(self, now: datetime) -> bool:
        """Whether the key still opens the door."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
