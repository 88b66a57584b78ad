"""Who acts: a person in a role, or the operator at the command line."""

from dataclasses import dataclass, field
from enum import IntEnum

from portal.words import later

ROLE_WORDS = {
    "staff": later("staff"),
    "manager": later("manager"),
    "owner": later("owner"),
    "admin": later("admin"),
    "operator": later("operator"),
}


class Role(IntEnum):
    """What a person may do; a higher one may all a lower one may."""

    STAFF = 1
    MANAGER = 2
    OWNER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The word people and tables use."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> "Role":
        """Find the role by its word; raises KeyError for an unknown one."""
        return cls[word.upper()]


def role_word(word: str) -> str:
    """Say a role in the reader's language."""
    return str(ROLE_WORDS.get(word, word))


@dataclass(frozen=True)
class Actor:
    """Who does it, through which channel; `store_ids` are the stores a manager or staff works in."""

    user_id: int | None
    role: Role
    store_ids: frozenset[int] = field(default_factory=frozenset)
    channel: str = "portal"

    def works_in(self, store_id: int | None) -> bool:
        """Tell whether the store is theirs; owners and admins have every store."""
        return self.role >= Role.OWNER or store_id in self.store_ids


OPERATOR = Actor(user_id=None, role=Role.ADMIN, channel="cli")
"""The person at the command line of the server."""
JOBS = Actor(user_id=None, role=Role.ADMIN, channel="job")
"""The nightly jobs."""
