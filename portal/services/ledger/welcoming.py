"""The welcome bonus: once for each person (specification of loyalty, section 8).

Phone and e-mail are what a person is known by again. Somebody who gives neither could join any number
of times, so their bonus waits until one is known; the row of their enrolment says so.
"""

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.services.ledger import fingerprints
from portal.services.ledger.accounts import Account, Posting, cards_of_person, once
from portal.services.ledger.visits import Visit
from portal.services.same_person import had_bonus

AT_FIRST_SCAN = {"welcome_bonus": "first_scan"}  # somebody joined without staff
FOR_A_CONTACT = {"welcome_bonus": "contact"}  # neither phone nor e-mail is known
Row = LoyaltyTransaction


def give_welcome_bonus(card_id: int, *, visit: Visit, secret: str) -> Posting:
    """Give at a scan the bonus that was waiting; code `no_bonus` when none is, or they had it.

    To somebody without phone and e-mail nothing is given yet. Raises what `once` raises, and
    Refused("card_suspended").
    """

    def work(account: Account) -> Posting:
        account.refuse_if_suspended()
        db.session.refresh(account.card.customer)  # a contact may have changed while we waited for the card
        _give_what_waits(account, (AT_FIRST_SCAN, FOR_A_CONTACT), secret)
        return _told(account)

    return once(card_id, "welcome_bonus", {}, work, visit=visit)


def give_with_contact(customer: Customer, *, visit: Visit, secret: str) -> Posting | None:
    """Give the bonus that waited for a phone or an e-mail; None when nothing of theirs waits.

    A suspended card's waits on, and one that waits for the first scan, too.
    """
    card = db.session.scalar(_living_card(customer))
    if card is None or _waiting(card) is None:
        return None

    def work(account: Account) -> Posting:
        if account.card.status != "suspended":
            _give_what_waits(account, (FOR_A_CONTACT,), secret)
        return _told(account)

    return once(card.id, "welcome_bonus", {}, work, visit=visit)


def give(account: Account, cause: LoyaltyTransaction, customer: Customer, secret: str) -> None:
    """Post the bonus, unless this person had one; what is imported brings none."""
    points, visit = _points_of(account.program), account.visit
    if not points or visit.source == "import":
        return
    is_first = fingerprints.claim(customer, secret=secret, now=visit.now)
    if is_first and not had_bonus(customer):
        account.post("welcome_bonus", points=points, linked_id=cause.id)


def given(posting: Posting) -> int:
    """Say how many points of an act were the welcome bonus."""
    return sum(row.points_delta for row in posting.rows if row.type == "welcome_bonus")


def waits_for(
    customer: Customer, program: LoyaltyProgram, visit: Visit, *, is_self: bool
) -> dict[str, str] | None:
    """Say what the bonus of somebody who joins waits for; None when it comes at once, or never."""
    if is_self:
        return AT_FIRST_SCAN
    if is_known(customer) or not _points_of(program) or visit.source == "import":
        return None
    return FOR_A_CONTACT


def is_known(customer: Customer) -> bool:
    """Whether there is a phone or an e-mail by which the person is known again."""
    return bool(customer.phone or customer.email)


def _points_of(program: LoyaltyProgram) -> int:
    return program.welcome_bonus_points if program.is_points_enabled and program.is_active else 0


def _give_what_waits(account: Account, reasons: tuple[dict[str, str], ...], secret: str) -> None:
    enrolled, customer = _waiting(account.card), account.card.customer
    if enrolled is not None and enrolled.rule_snapshot in reasons and is_known(customer):
        give(account, enrolled, customer, secret)


def _told(account: Account) -> Posting:
    is_given = any(row.type == "welcome_bonus" for row in account.rows)
    return Posting(account.card, account.rows, "bonus" if is_given else "no_bonus")


def _living_card(customer: Customer) -> Select[LoyaltyCard]:
    mine = (LoyaltyCard.merchant_id == customer.merchant_id, LoyaltyCard.customer_id == customer.id)
    return select(LoyaltyCard).where(*mine).order_by(LoyaltyCard.id.desc()).limit(1)


def _waiting(card: LoyaltyCard) -> LoyaltyTransaction | None:
    """Find the enrol row that says that the bonus waits: the card's own first, then those of merged people.

    One whose bonus was given does not wait, whatever card got it.
    """
    given = aliased(Row)
    is_given = exists().where(
        given.merchant_id == Row.merchant_id, given.type == "welcome_bonus", given.linked_id == Row.id
    )
    theirs = (Row.merchant_id == card.merchant_id, Row.card_id.in_(cards_of_person(card)))
    ordered = (
        select(Row).where(*theirs, Row.type == "enrol", ~is_given).order_by(Row.card_id != card.id, Row.id)
    )
    enrolled = db.session.scalars(ordered, execution_options={"include_deleted": True})
    return next((row for row in enrolled if row.rule_snapshot in (AT_FIRST_SCAN, FOR_A_CONTACT)), None)
