"""Who is signed in, kept by the server; and tries to sign in."""

from datetime import datetime, timedelta

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Model
from portal.models.ownership import Rule, global_key
from portal.models.user import User

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
_open = text("ended_at IS NULL")


class LoginSession(Model):
    """One signed-in browser: idle 12 hours, at most 14 days (specification of trust, People and sessions).

    `agent` says in a few words which browser it is: Firefox on Linux.
    """

    __tablename__ = "login_sessions"

    user_id: Mapped[int] = mapped_column(global_key("users.id", Rule.PART))
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]
    agent: Mapped[str | None]

    user: Mapped[User] = relationship()

    __table_args__ = (
        Index("uq_login_sessions_token_hash", "token_hash", unique=True),
        Index("ix_login_sessions_open", "user_id", sqlite_where=_open, postgresql_where=_open),
    )

    def is_open(self, now: datetime) -> bool:
        """Whether the browser is still signed in."""
        fresh = now - self.last_seen_at < IDLE and now - self.created_at < ABSOLUTE
        return self.ended_at is None and fresh


class SignInAttempt(Model):
    """One try to sign in; the subject is a keyed hash of the name typed or of the address."""

    __tablename__ = "sign_in_attempts"

    subject: Mapped[str]
    attempted_at: Mapped[datetime]

    __table_args__ = (Index("ix_sign_in_attempts_subject", "subject", "attempted_at"),)
