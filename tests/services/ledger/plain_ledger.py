"""The ledger as plain Python, told from the rules of loyalty and not from the code.

One merchant, one program of points and stamps, some customers with a card each. A refusal is a Stop
with its code; whoever calls throws away what a stopped act has begun.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Luxembourg")
NOTICE, UNDO = timedelta(days=30), timedelta(minutes=10)
ACTIVITY = {"enrol", "earn", "stamp", "redeem"}
VOIDABLE = {"earn", "stamp", "adjust", "redeem", "refund_reversal"}
LOST = {"expire", "forfeit"}
TIERS = [(0, Fraction(1)), (60, Fraction(3, 2))]


class Stop(Exception):
    """A rule says no."""


@dataclass
class Rules:
    per_euro: int = 1
    minimum: int = 200
    target: int = 4
    cooldown: int = 15
    cap: int = 4
    most: int = 5
    bonus: int = 7
    policy: str = "allow_negative"
    expiration_days: int = 30
    reward_days: int = 20
    window_hours: int = 100


@dataclass
class Card:
    customer: int
    points: int = 0
    stamps: int = 0
    last: datetime | None = None
    floor: datetime | None = None
    tier: int | None = None


@dataclass
class Row:
    card: int
    type: str
    points: int
    stamps: int
    after: tuple[int, int]
    happened: datetime
    posted: datetime
    staff: str
    linked: int | None = None
    issue: int | None = None
    eligible: int = 0
    policy: str = ""
    order: int | None = None
    owed: int = 0
    set_off: dict[int, int] = field(default_factory=dict)
    void_of: int | None = None


@dataclass
class Issue:
    card: int
    reward: int | None  # None: of stamps
    cost: int
    at: datetime
    until: datetime
    staff: str
    status: str = "issued"
    handed: datetime | None = None


@dataclass
class Reward:
    price: int
    stock: int | None
    limit: int | None


@dataclass
class Moment:
    """When something is posted, when it happened, and who does it."""

    now: datetime
    by: str = "owner"
    happened: datetime | None = None

    @property
    def when(self) -> datetime:
        return self.happened or self.now


class PlainLedger:
    """What must come out."""

    def __init__(self, rules: Rules, rewards: dict[int, Reward]) -> None:
        self.rules, self.rewards = rules, rewards
        self.cards: dict[int, Card] = {}
        self.rows: list[Row] = []
        self.issues: list[Issue] = []
        self.phones: dict[int, str] = {}  # of each customer
        self.had_bonus: set[str] = set()
        self.dead: set[int] = set()  # customers
        self.merged: dict[int, int] = {}  # customer -> survivor
        self.program_is_dead = False
        self.program_floor: datetime | None = None

    # reading

    def lives(self, card: int) -> bool:
        return not self.program_is_dead and self.cards[card].customer not in self.dead

    def due(self, card: int) -> datetime | None:
        one = self.cards[card]
        if one.last is None:
            return None
        day = one.last.astimezone(ZONE).date() + timedelta(days=self.rules.expiration_days + 1)
        dates = [datetime.combine(day, time(), tzinfo=ZONE), one.floor, self.program_floor]
        return max(date for date in dates if date)

    def voided(self) -> set[int]:
        return {row.void_of for row in self.rows if row.void_of is not None}

    def mine(self, card: int) -> set[int]:
        """The card, and those of people merged into its holder."""
        holder = self.cards[card].customer
        return {n for n, c in self.cards.items() if holder in (c.customer, self.merged.get(c.customer))}

    def each(self, card: int, *kinds: str) -> Iterator[tuple[int, Row]]:
        """The card's rows of these kinds that were not voided."""
        voided = self.voided()
        for n, row in enumerate(self.rows):
            if row.card == card and row.type in kinds and n not in voided:
                yield n, row

    # posting

    def open(self, card: int, moment: Moment, *, dead_too: bool = False) -> int:
        """Find the card an act belongs to, and post what is due."""
        while not self.lives(card) and self.cards[card].customer in self.merged:
            survivor = self.merged[self.cards[card].customer]
            card = next(n for n, one in self.cards.items() if one.customer == survivor)
        if not self.lives(card) and not dead_too:
            raise Stop("program_gone" if self.program_is_dead else "card_gone")
        if self.lives(card):
            self.expire(card, moment)
        return card

    def expire(self, card: int, moment: Moment) -> None:
        due = self.due(card)
        if due is not None and due <= moment.now and self.cards[card].points > 0:
            self.post(card, "expire", Moment(moment.now, moment.by, due), points=-self.cards[card].points)

    def post(self, card: int, kind: str, moment: Moment, points: int = 0, stamps: int = 0, **more) -> int:
        one = self.cards[card]
        one.points, one.stamps = one.points + points, one.stamps + stamps
        after = (one.points, one.stamps)
        self.rows.append(Row(card, kind, points, stamps, after, moment.when, moment.now, moment.by, **more))
        is_late = kind == "earn" and moment.when < moment.now
        if kind in ACTIVITY:
            one.last = max(one.last or moment.when, moment.when)
        if is_late or (points > 0 and kind not in ACTIVITY):
            one.floor = max(one.floor or moment.now, moment.now + NOTICE)
            one.last = one.last or moment.when
        return len(self.rows) - 1

    # earning

    def earn(
        self, card: int, cents: int, moment: Moment, *, less: int, order: int | None, stamps: int
    ) -> None:
        card = self.open(card, moment)
        if order is not None and any(r.order == order for n in self.cards for _, r in self.each(n, "earn")):
            raise Stop("already_earned")
        stamped = stamps and not self.stamps_refused(card, stamps, moment)
        eligible = max(0, cents - less)
        times = TIERS[self.cards[card].tier or 0][1]
        exact = Fraction(eligible, 100) * self.rules.per_euro * times
        points = int(exact) if eligible >= self.rules.minimum else 0
        more = {"eligible": eligible, "policy": self.rules.policy, "order": order}
        earned = self.post(card, "earn", moment, points, **more)
        if stamped:
            self.put_on(card, stamps, moment, linked=earned, order=order)
        self.climb(card)

    def climb(self, card: int) -> None:
        one, points = self.cards[card], self.qualifying(card)
        reached = max(n for n, (threshold, _) in enumerate(TIERS) if points >= threshold)
        if one.tier is None or reached > one.tier:
            one.tier = reached

    def qualifying(self, card: int) -> int:
        mine = self.mine(card)
        earned = {n: row.points for one in mine for n, row in self.each(one, "earn")}
        backs = [row for one in mine for _, row in self.each(one, "refund_reversal")]
        return sum(earned.values()) - sum(row.owed for row in backs if row.linked in earned)

    # stamping

    def stamp(self, card: int, quantity: int, moment: Moment) -> None:
        card = self.open(card, moment)
        if code := self.stamps_refused(card, quantity, moment):
            raise Stop(code)
        self.put_on(card, quantity, moment)

    def stamps_refused(self, card: int, quantity: int, moment: Moment) -> str:
        if not 1 <= quantity <= self.rules.most:
            return "bad_quantity"
        stamps = [row for _, row in self.each(card, "stamp")]
        apart = timedelta(minutes=self.rules.cooldown)
        if any(abs(row.happened - moment.when) < apart for row in stamps):
            return "cooldown"
        today = moment.when.astimezone(ZONE).date()
        given = sum(row.stamps for row in stamps if row.happened.astimezone(ZONE).date() == today)
        return "daily_cap" if given + quantity > self.rules.cap else ""

    def put_on(self, card: int, quantity: int, moment: Moment, **more) -> None:
        posted = self.post(card, "stamp", moment, stamps=quantity, **more)
        self.complete(card, moment, posted)

    def complete(self, card: int, moment: Moment, cause: int) -> None:
        while self.cards[card].stamps >= self.rules.target:
            issue = self.hand_out(card, None, self.rules.target, moment)
            self.post(card, "stamp_complete", moment, stamps=-self.rules.target, linked=cause, issue=issue)

    def complete_again(self, card: int, back: int, moment: Moment) -> None:
        """The stamps of a reward that came back fill a card again, by the target it remembers."""
        one = self.issues[back]
        if one.reward is None and self.lives(card) and self.cards[card].stamps >= one.cost:
            issue = self.hand_out(card, None, one.cost, moment)
            cause = len(self.rows) - 1
            self.post(card, "stamp_complete", moment, stamps=-one.cost, linked=cause, issue=issue)

    # rewards

    def hand_out(self, card: int, reward: int | None, cost: int, moment: Moment) -> int:
        day = moment.now.astimezone(ZONE).date() + timedelta(days=self.rules.reward_days + 1)
        until = datetime.combine(day, time(), tzinfo=ZONE)
        self.issues.append(Issue(card, reward, cost, moment.now, until, moment.by))
        return len(self.issues) - 1

    def issue(self, card: int, reward: int, moment: Moment, *, at_once: bool) -> None:
        card = self.open(card, moment)
        about = self.rewards[reward]
        if self.cards[card].points < about.price:
            raise Stop("insufficient_points")
        if about.stock == 0:
            raise Stop("out_of_stock")
        had = [i for i in self.issues if i.card in self.mine(card) and i.reward == reward]
        if about.limit is not None and sum(i.status in ("issued", "redeemed") for i in had) >= about.limit:
            raise Stop("limit_reached")
        self.stocked(reward, -1)
        issue = self.hand_out(card, reward, about.price, moment)
        self.post(card, "redeem", moment, -about.price, issue=issue)
        if at_once:
            self.issues[issue].status, self.issues[issue].handed = "redeemed", moment.now

    def stocked(self, reward: int | None, by: int) -> None:
        if reward is not None and self.rewards[reward].stock is not None:
            self.rewards[reward].stock += by

    def opened(self, card: int, issue: int, moment: Moment) -> Issue:
        one = self.issues[issue]
        if one.card != card:
            raise Stop("issue_gone")
        if one.status != "issued":
            raise Stop("already_redeemed")
        if one.until <= moment.now:
            raise Stop("issue_expired")
        return one

    def redeem(self, card: int, issue: int, moment: Moment) -> None:
        card = self.open(card, moment)
        one = self.opened(card, issue, moment)
        if one.reward is not None and self.cards[card].points < 0:
            raise Stop("insufficient_points")
        one.status, one.handed = "redeemed", moment.now
        self.post(card, "redeem", moment, issue=issue)

    def cancel(self, card: int, issue: int, moment: Moment) -> None:
        card = self.open(card, moment)
        one = self.opened(card, issue, moment)
        self.theirs(one.staff, one.at, moment)
        self.give_back(card, issue, moment, "redeem_cancel")

    def give_back(self, card: int, issue: int, moment: Moment, kind: str) -> None:
        one = self.issues[issue]
        one.status, one.handed = "cancelled", None
        self.stocked(one.reward, 1)
        paid = {"stamps" if one.reward is None else "points": one.cost}
        self.post(card, kind, moment, **paid, issue=issue)

    def theirs(self, staff: str, done: datetime, moment: Moment) -> None:
        """The same staff within 10 minutes, a manager within the window."""
        if moment.by in ("owner", "manager"):
            if moment.now > done + timedelta(hours=self.rules.window_hours):
                raise Stop("too_late")
        elif moment.by != staff or moment.now > done + UNDO:
            raise Stop("not_allowed")

    # taking back

    def take_back(self, card: int, given: int, kind: str, moment: Moment, owed: int, **more) -> int:
        set_off = self.set_off(given, owed) if owed > 0 else {}
        left = owed - sum(set_off.values())
        forgiven = 0
        if (self.rows[given].policy or self.rules.policy) == "clamp_to_zero":
            forgiven = max(0, left - max(0, self.cards[card].points))
        return self.post(
            card, kind, moment, forgiven - left, owed=owed, set_off=set_off, linked=given, **more
        )

    def set_off(self, given: int, owed: int) -> dict[int, int]:
        """What expired since where the points were, and was not set off yet, the oldest first."""
        voided, parts, on = self.voided(), {}, self.rows[given].card
        for n, row in enumerate(self.rows):
            if n > given and row.type == "merge_in" and self.rows[row.linked].card == on:
                on = row.card
            if n > given and row.card == on and row.type in LOST:
                used = sum(r.set_off.get(n, 0) for m, r in enumerate(self.rows) if m not in voided)
                if part := min(owed, -row.points - used):
                    parts[n], owed = part, owed - part
        return parts

    def refunded(self, earn: int) -> int:
        found = (row for n in self.cards for _, row in self.each(n, "refund_reversal"))
        return sum(row.eligible for row in found if row.linked == earn)

    def refund(self, earn: int, cents: int, moment: Moment, *, back: int | None = None) -> None:
        row = self.rows[earn]
        card = self.open(row.card, moment, dead_too=True)
        if earn in self.voided():
            raise Stop("already_voided")
        before = self.refunded(earn)
        part = min(cents, row.eligible - before)

        def kept(refunded: int) -> int:
            return row.points * (row.eligible - refunded) // row.eligible if row.eligible else 0

        owed = kept(before) - kept(before + part)
        self.take_back(card, earn, "refund_reversal", moment, owed, eligible=part, order=row.order)
        if back is not None:
            if self.issues[back].card != card or self.issues[back].status != "redeemed":
                raise Stop("issue_gone")
            self.give_back(card, back, moment, "refund_return")
            self.complete_again(card, back, moment)

    def void(self, which: int, moment: Moment) -> None:
        row = self.rows[which]
        card = self.open(row.card, moment, dead_too=True)
        self.refuse_void(which)
        issue = self.issues[row.issue] if row.type == "redeem" else None
        if issue is not None and issue.status != "redeemed":
            raise Stop("not_redeemed")
        self.theirs(row.staff, issue.handed if issue else row.posted, moment)
        more = {"stamps": -row.stamps, "void_of": which, "issue": row.issue, "order": row.order}
        self.take_back(card, which, "void", moment, row.points, **more)
        self.cancel_stamp_rewards(card, moment)
        if issue is not None:
            issue.handed, issue.status = None, "cancelled" if row.points else "issued"
            if row.points:
                self.stocked(issue.reward, 1)

    def refuse_void(self, which: int) -> None:
        row = self.rows[which]
        if row.type not in VOIDABLE:
            raise Stop("not_voidable")
        if which in self.voided():
            raise Stop("already_voided")
        backs = (back for n in self.cards for _, back in self.each(n, "refund_reversal"))
        if row.type == "earn" and any(back.linked == which for back in backs):
            raise Stop("has_refunds")

    def cancel_stamp_rewards(self, card: int, moment: Moment) -> None:
        for n in reversed(range(len(self.issues))):
            one = self.issues[n]
            is_open = one.card == card and one.reward is None and one.status == "issued"
            if is_open and one.until > moment.now and self.cards[card].stamps < 0:
                self.give_back(card, n, moment, "redeem_cancel")

    # the night

    def expire_all(self, moment: Moment) -> None:
        for card in sorted(self.cards):
            if self.lives(card):
                self.expire(card, moment)

    def expire_rewards(self, moment: Moment) -> None:
        """What points bought gives the points back, what stamps brought gives nothing."""
        for n, one in enumerate(self.issues):
            if one.status == "issued" and one.until <= moment.now and self.lives(one.card):
                self.expire(one.card, moment)
                one.status = "expired"
                self.stocked(one.reward, 1)
                if one.reward is not None:
                    when = Moment(moment.now, moment.by, one.until)
                    self.post(one.card, "redeem_cancel", when, one.cost, issue=n)

    # people

    def enrol(self, phone: str, ids: tuple[int, int], moment: Moment) -> None:
        """Give somebody a card; who is known by phone has one."""
        if self.program_is_dead:
            raise Stop("no_program")
        if any(self.phones[person] == phone for person in self.phones if person not in self.dead):
            return
        person, card = ids
        self.phones[person], self.cards[card] = phone, Card(person)
        enrolled = self.post(card, "enrol", moment)
        self.climb(card)
        if phone not in self.had_bonus:
            self.had_bonus.add(phone)
            self.post(card, "welcome_bonus", moment, self.rules.bonus, linked=enrolled)

    def restore_customer(self, customer: int, now: datetime) -> None:
        phone = self.phones[customer]
        if any(self.phones[n] == phone for n in self.phones if n not in self.dead):
            raise Stop("value_taken")
        self.dead.discard(customer)
        for card in self.cards.values():
            if card.customer == customer:
                card.floor = max(card.floor or now, now + NOTICE)

    def restore_program(self, now: datetime) -> None:
        self.program_is_dead = False
        self.program_floor = max(self.program_floor or now, now + NOTICE)

    def merge(self, survivor: int, loser: int, moment: Moment) -> None:
        mine = next(n for n, one in self.cards.items() if one.customer == survivor)
        theirs = next(n for n, one in self.cards.items() if one.customer == loser)
        for card in (mine, theirs):
            self.expire(card, moment)
        one, other = self.cards[mine], self.cards[theirs]
        if (second := self.bonus(theirs)) is not None and self.bonus(mine) is not None:
            self.take_back(theirs, second, "adjust", moment, self.rows[second].points)
        one.last = max((m for m in (one.last, other.last) if m), default=None)
        one.floor = max((m for m in (one.floor, other.floor) if m), default=None)
        points, stamps = other.points, other.stamps
        left = self.post(theirs, "merge_out", moment, -points, -stamps)
        came = self.post(mine, "merge_in", moment, points, stamps, linked=left)
        for issue in self.issues:
            issue.card = mine if issue.card == theirs else issue.card
        for customer, into in list(self.merged.items()):
            if into == loser:
                self.merged[customer] = survivor
        self.merged[loser] = survivor
        self.dead.add(loser)
        self.complete(mine, moment, came)
        self.climb(mine)
        if other.tier is not None:
            one.tier = max(one.tier or 0, other.tier)

    def bonus(self, card: int) -> int | None:
        """The welcome bonus of the card, or of one merged into it, that no merge has reversed."""
        mine = self.mine(card)
        back = {row.linked for one in mine for _, row in self.each(one, "adjust")}
        given = sorted(n for one in mine for n, _ in self.each(one, "welcome_bonus"))
        return next((n for n in given if n not in back), None)
