"""What the trash should do, written down a second time: plain dicts, by hand, from the specification.

Nothing here reads the ownership map: if map and specification part, the machine finds it.
"""

from dataclasses import dataclass, field

from portal.models import (
    CardToken,
    Customer,
    LoyaltyCard,
    LoyaltyProgram,
    LoyaltyReward,
    Merchant,
    MerchantOwner,
    Order,
    Product,
    StaffPin,
    Store,
    StoreUser,
    TillDevice,
    User,
)

M, S, U = ("merchant_id", "merchants"), ("store_id", "stores"), ("user_id", "users")
P, C = ("program_id", "loyalty_programs"), ("customer_id", "customers")


@dataclass(frozen=True)
class Kind:
    """One kind of row: its owners in the order of handing over, its history, what is unique."""

    cls: type
    owners: tuple = ()
    history: tuple = ()
    unique: tuple = ()


# Outermost first.
KINDS = {
    "users": Kind(User, unique=(("email",),)),
    "merchants": Kind(Merchant),
    "merchant_owners": Kind(MerchantOwner, (M, U), unique=(("merchant_id", "user_id"),)),
    "stores": Kind(Store, (M,), unique=(("merchant_id", "store_code"),)),
    "customers": Kind(Customer, (M,), unique=(("merchant_id", "phone"),)),
    "loyalty_programs": Kind(LoyaltyProgram, (M,), unique=(("merchant_id",),)),
    "store_users": Kind(StoreUser, (M, S, U), unique=(("store_id", "user_id"),)),
    "products": Kind(Product, (M, S), unique=(("store_id", "sku"),)),
    "till_devices": Kind(TillDevice, (M, S)),
    "loyalty_rewards": Kind(LoyaltyReward, (M, P)),
    "loyalty_cards": Kind(LoyaltyCard, (M, C, P), unique=(("program_id", "customer_id"),)),
    "card_tokens": Kind(CardToken, (M, ("card_id", "loyalty_cards")), unique=(("merchant_id", "value"),)),
    "staff_pins": Kind(
        StaffPin,
        (M, ("merchant_owner_id", "merchant_owners"), S, ("store_user_id", "store_users")),
        unique=(("store_user_id",), ("store_id", "merchant_owner_id")),
    ),
    "orders": Kind(Order, (), (M, S, C), unique=(("merchant_id", "external_ref"),)),
}


class Stop(Exception):
    """What the plain model says instead of doing."""


@dataclass
class Row:
    """One row: its columns, the act that holds it, and whether it was emptied."""

    values: dict
    act: object = None
    purged: bool = False

    @property
    def lives(self):
        return self.act is None


@dataclass
class Act:
    """One act: its root, how it stands, and of whose act it is a part."""

    root: tuple
    status: str = "done"
    parent: object = None


@dataclass
class PlainTrash:
    """Rows and acts in dicts. An act is known by a number; its part in a merchant by (number, merchant)."""

    rows: dict = field(default_factory=lambda: {kind: {} for kind in KINDS})
    acts: dict = field(default_factory=dict)
    home: dict = field(default_factory=dict)

    def row(self, kind, row_id):
        return self.rows[kind][row_id]

    def owners(self, kind, row):
        keys = [(column, owner, row.values[column]) for column, owner in KINDS[kind].owners]
        return [(owner, row_id) for _, owner, row_id in keys if row_id is not None]

    def points_at(self, kind, row):
        history = [(owner, row.values[column]) for column, owner in KINDS[kind].history]
        return self.owners(kind, row) + [(k, i) for k, i in history if i is not None]

    def all_rows(self):
        return [(kind, i, row) for kind in KINDS for i, row in self.rows[kind].items()]

    def merchant_of(self, kind, row_id):
        return {"users": 0, "merchants": row_id}.get(kind, self.row(kind, row_id).values.get("merchant_id"))

    def merchant_of_act(self, act):
        return act[1] if isinstance(act, tuple) else self.home[act]

    # create and move

    def add(self, kind, row_id, values):
        row = Row(values)
        self.refuse_dead_owners(self.owners(kind, row))
        self.rows[kind][row_id] = row
        self.refuse_twins()

    def move(self, kind, row_id, column, target):
        row = self.row(kind, row_id)
        if row.values[column] != target:
            self.refuse_dead_owners([(dict(KINDS[kind].owners)[column], target)])
            row.values[column] = target
            self.refuse_twins()

    def refuse_dead_owners(self, owners):
        if any(not self.row(*owner).lives for owner in owners):
            raise Stop("owner_deleted")

    def refuse_twins(self):
        for kind, about in KINDS.items():
            for columns in about.unique:
                seen = [
                    tuple(row.values[c] for c in columns) for row in self.rows[kind].values() if row.lives
                ]
                seen = [values for values in seen if None not in values]
                if len(seen) != len(set(seen)):
                    raise Stop("value_taken")

    # delete

    def delete(self, kind, row_id):
        if not self.row(kind, row_id).lives:
            return
        act = len(self.home) + 1
        self.acts[act], self.home[act] = Act((kind, row_id)), self.merchant_of(kind, row_id)
        self.row(kind, row_id).act = act
        for child_kind, child_id, row in self.all_rows():
            if row.lives:
                self.fall(act, child_kind, child_id, row)
        if kind != "merchants":
            self.refuse_ownerless(act)

    def fall(self, act, kind, row_id, row):
        """Let the row die with an owner that fell in this act, or in its part in the merchant."""
        held = [self.row(*owner).act for owner in self.owners(kind, row)]
        part = (act, row.values.get("merchant_id"))
        if part in held or (act in held and self.acts[act].root[0] == "users"):
            self.acts.setdefault(part, Act(self.acts[act].root, parent=act))
            row.act = part
        elif act in held:
            row.act = act

    def refuse_ownerless(self, act):
        owners = self.rows["merchant_owners"].values()
        fallen = {
            r.values["merchant_id"] for r in owners if r.act == act or r.act == (act, r.values["merchant_id"])
        }
        kept = {r.values["merchant_id"] for r in owners if r.lives}
        if any(self.row("merchants", m).lives for m in fallen - kept):
            raise Stop("last_owner")

    # restore

    def restore(self, act, *, with_owners=False, replace=False):
        about = self.acts[act]
        if about.status == "purged":
            raise Stop("purged")
        while about.status == "done" and (owner := self.dead_owner(act)) is not None:
            if not with_owners:
                raise Stop("owner_deleted")
            self.restore(owner, with_owners=True)
        if about.status == "restored":  # before, or just now with the person it is a part of
            return
        if replace and about.root[0] == "loyalty_programs":
            self.make_room(about)
        for part in self.parts(act):
            self.revive(part)
        self.refuse_twins()

    def dead_owner(self, act):
        """The act that holds the first dead owner of the root; a part's owner is the whole."""
        about = self.acts[act]
        if about.parent is not None:
            return about.parent
        held = [self.row(*o).act for o in self.owners(about.root[0], self.row(*about.root))]
        dead = next((a for a in held if a is not None), None)
        return self.needed_person(act) if dead is None and about.root[0] == "merchants" else dead

    def needed_person(self, act):
        """A merchant comes back with a living owner: the act of the first, when all are dead."""
        theirs = sorted((i, r) for i, r in self.rows["merchant_owners"].items() if r.act == act)
        people = [self.row("users", r.values["user_id"]) for _, r in theirs]
        held = [person.act for person in people if not person.purged]
        return None if not held or None in held else held[0]

    def make_room(self, about):
        merchant = self.row(*about.root).values["merchant_id"]
        for row_id, row in list(self.rows["loyalty_programs"].items()):
            if row.lives and row.values["merchant_id"] == merchant:
                self.delete("loyalty_programs", row_id)

    def parts(self, act):
        parts = [a for a, about in self.acts.items() if about.parent == act and about.status == "done"]
        return [act, *sorted(parts)]

    def revive(self, act):
        for kind, _, row in self.all_rows():
            if row.act == act and not row.purged:
                row.act = self.heir(kind, row, act)
        self.acts[act].status = "restored"

    def heir(self, kind, row, act):
        """The act that holds the row's first owner who stays dead; None lets it live."""
        for owner in self.owners(kind, row):
            held = self.row(*owner).act
            if owner == self.acts[act].root or held in (None, act):
                continue
            if owner[0] != "users":
                return held
            part = (held, row.values["merchant_id"])
            self.acts.setdefault(part, Act(owner, parent=held))
            return part
        return None

    # purge

    def purge(self, act):
        about = self.acts[act]
        if about.status == "purged":
            return
        if about.parent is not None:
            raise Stop("part")
        if about.status != "done":
            raise Stop("in_progress")
        doomed = self.doomed(about.root)
        for kind, row_id in reversed(doomed):
            self.remove(kind, row_id)
        for other in self.acts.values():
            if other.root in doomed and other.status == "done":
                other.status = "purged"

    def doomed(self, root):
        """The root and all below it, outermost first."""
        doomed = [root]
        for kind, row_id, row in self.all_rows():
            if (kind, row_id) not in doomed and set(doomed) & set(self.owners(kind, row)):
                doomed.append((kind, row_id))
        order = list(KINDS)
        return sorted(doomed, key=lambda one: order.index(one[0]))

    def remove(self, kind, row_id):
        """Take the row away; empty it instead when any row still points at it."""
        if any((kind, row_id) in self.points_at(k, row) for k, _, row in self.all_rows()):
            self.row(kind, row_id).purged = True
        else:
            del self.rows[kind][row_id]
