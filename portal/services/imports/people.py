"""The persons behind an imported team: found, made, and left alone where they are not the merchant's own."""

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.tenancy import PLATFORM, scoped
from portal.models.user import User
from portal.services.accounts import create_user, find_user
from portal.services.changing import apply
from portal.services.imports.writing import Row, left_out
from portal.words import _, later

OWN_FIELDS = frozenset({"display_name", "email"})
KEPT = {
    ("display_name",): later("The display name of this person differs; what is the person's own was kept."),
    ("email",): later("The email of this person differs; what is the person's own was kept."),
    ("display_name", "email"): later(
        "The display name and email of this person differ; what is the person's own was kept."
    ),
}


def name_in(row: Row) -> str:
    """Read the name: of one column, or first and last name joined; empty when the row has none."""
    parts = (row.values.get("first_name"), row.values.get("last_name"))
    return str(row.values.get("name") or " ".join(part for part in parts if part))


def is_known_at_the_till_only(user: User) -> bool:
    """Whether the person is nobody's but this merchant's: others are linked by what they sign in with."""
    return not (user.email or user.username or user.password_hash)


def person_for(row: Row, *, by: Actor) -> User:
    """Find the person by e-mail address, or add them; a person found keeps all that is theirs."""
    email, name = row.values.get("email"), name_in(row)
    found = find_user(email) if email else None
    if found is not None:
        return found
    if not name:
        raise Refused("missing", _("A new person needs a name."))
    with scoped(db.session, PLATFORM):
        return create_user(display_name=name, email=email, by=by)


def change_person(user: User, row: Row, *, colleagues: set[int], by: Actor) -> bool:
    """Take over name and e-mail of a person known only at the till, and say whether that changed them."""
    told = {"display_name": name_in(row), "email": row.values.get("email")}
    changes = {field: value for field, value in told.items() if value and value != getattr(user, field)}
    if changes and not is_known_at_the_till_only(user):
        row.warnings.append(str(KEPT[tuple(changes)]))
        return False
    if "email" in changes and (holder := find_user(str(changes["email"]))) is not None:
        name = holder.display_name if holder.id in colleagues else ""
        row.warnings.append(left_out("email", changes.pop("email"), name))
    if not changes:
        return False
    with scoped(db.session, PLATFORM):
        return bool(apply(user, changes, known=OWN_FIELDS, by=by))
