"""The program: started, changed, switched on and off; every save a version of its own."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, LoyaltyProgram, ProgramVersion
from portal.services import programs, rewards
from tests.factories import make_merchant, make_program, owner_of, within

TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 15_000},
]


@pytest.fixture
def merchant(app):
    return make_merchant()


@pytest.fixture
def owner(merchant):
    return owner_of(merchant)


@pytest.fixture
def program(merchant, owner, now):
    with within(merchant):
        made = programs.create_program(merchant, by=owner, now=now, card_name="Carte")
        db.session.commit()
        yield made
        db.session.rollback()


def versions(merchant):
    query = select(ProgramVersion.version).where(ProgramVersion.merchant_id == merchant.id)
    return list(db.session.scalars(query.order_by(ProgramVersion.version)))


def kept(merchant, version):
    query = ProgramVersion.of(merchant).where(ProgramVersion.version == version)
    return db.session.scalars(query).one()


def acts(merchant):
    return [
        (e.action, e.details) for e in db.session.scalars(AuditEntry.of(merchant).order_by(AuditEntry.id))
    ]


def test_a_save_raises_the_version_and_keeps_the_rules(merchant, owner, program, now):
    later = now + timedelta(hours=1)
    changed = programs.change_program(program, by=owner, now=later, points_per_euro=7, card_name="Carte")
    assert changed == ["points_per_euro"]
    assert program.version == 2
    assert versions(merchant) == [1, 2]
    assert [kept(merchant, n).rules["points_per_euro"] for n in (1, 2)] == [1, 7]
    assert (kept(merchant, 2).saved_by_id, kept(merchant, 2).saved_at) == (owner.user_id, later)
    assert acts(merchant)[-1] == ("loyalty_programs.change", {"fields": ["points_per_euro"]})


def test_saving_nothing_new_raises_nothing(merchant, owner, program, now):
    before = len(acts(merchant))
    assert programs.change_program(program, by=owner, now=now, card_name="  Carte ", tier_config=[]) == []
    assert program.version == 1
    assert versions(merchant) == [1]
    assert len(acts(merchant)) == before


def test_a_version_keeps_every_rule_as_plain_words(merchant, owner, program, now):
    programs.change_program(program, by=owner, now=now, point_value_cents=Decimal("0.5"), tier_config=TIERS)
    rules = kept(merchant, 2).rules
    assert set(rules) == programs.RULES
    assert Decimal(rules["point_value_cents"]) == Decimal("0.5")
    assert rules["tier_config"] == TIERS
    assert rules["activated_at"] == now.isoformat()


@pytest.mark.parametrize("rule", ["version", "is_active", "merchant_id", "expiry_floor_at", "colour"])
def test_what_is_no_rule_to_change_is_a_bug(owner, program, now, rule):
    with pytest.raises(TypeError):
        programs.change_program(program, by=owner, now=now, **{rule: 1})


def test_a_refused_rule_changes_nothing(merchant, owner, program, now):
    with pytest.raises(Refused, match="between 1 and 100"):
        programs.change_program(program, by=owner, now=now, points_per_euro=3, stamps_target=101)
    db.session.rollback()
    assert (program.points_per_euro, program.version) == (1, 1)


def test_another_type_freezes_and_deletes_nothing(merchant, owner, program, now):
    reward = rewards.add_reward(program, name="Tea", points_required=80, by=owner)
    programs.change_program(program, by=owner, now=now, loyalty_type="stamps")
    assert not program.is_points_enabled
    assert not reward.is_deleted
    assert program.points_per_euro == 1


@pytest.mark.parametrize(
    ("days", "is_noticed"),
    [((None, 365), True), ((365, 30), True), ((30, 365), False), ((30, None), False)],
)
def test_shorter_expiry_is_announced_30_days_ahead(owner, program, now, days, is_noticed):
    before, after = days
    programs.change_program(program, by=owner, now=now, points_expiration_days=before)
    program.expiry_floor_at = None
    programs.change_program(program, by=owner, now=now, points_expiration_days=after)
    assert program.expiry_floor_at == (now + timedelta(days=30) if is_noticed else None)
    assert program.version == (3 if before else 2)


def test_a_later_floor_stays(merchant, owner, program, now):
    program.expiry_floor_at = far = now + timedelta(days=90)
    programs.change_program(program, by=owner, now=now, points_expiration_days=30)
    assert program.expiry_floor_at == far


def test_a_tier_that_a_reward_needs_stays(merchant, owner, program, now):
    programs.change_program(program, by=owner, now=now, tier_config=TIERS)
    rewards.add_reward(program, name="For all", points_required=80, by=owner)
    needing = rewards.add_reward(program, name="Cake", points_required=80, by=owner, tier_key="gold")
    more = [*TIERS, {"key": "top", "name": "Top", "threshold": 900, "multiplier_bp": 20_000}]
    assert programs.change_program(program, by=owner, now=now, tier_config=more) == ["tier_config"]
    with pytest.raises(Refused, match="“Cake” is for the tier “Gold”") as no:
        programs.change_program(program, by=owner, now=now, tier_config=TIERS[:1])
    assert no.value.details["field"] == "tiers"
    rewards.delete_reward(needing, by=owner, now=now)
    assert programs.change_program(program, by=owner, now=now, tier_config=TIERS[:1]) == ["tier_config"]


def test_switched_off_and_on_again(merchant, owner, program, now):
    until, later = now + timedelta(days=30), now + timedelta(days=2)
    assert programs.deactivate_program(program, redeem_until=until, by=owner, now=now)
    assert (program.is_active, program.redeem_until, program.version) == (False, until, 2)
    assert not programs.deactivate_program(program, redeem_until=until, by=owner, now=later)
    assert programs.deactivate_program(program, redeem_until=None, by=owner, now=later)
    assert (program.redeem_until, program.version) == (None, 3)
    assert programs.activate_program(program, by=owner, now=later)
    assert not programs.activate_program(program, by=owner, now=later)
    assert (program.is_active, program.redeem_until, program.version) == (True, None, 4)
    assert program.activated_at == now
    assert kept(merchant, 2).rules["redeem_until"] == until.isoformat()
    names = [name for name, _ in acts(merchant)][-3:]
    assert names == [f"loyalty_programs.{act}" for act in ("deactivate", "deactivate", "activate")]


@pytest.mark.parametrize("days", [-1, 0, 3_651])
def test_a_day_that_is_over_is_no_day_to_redeem_until(owner, program, now, days):
    with pytest.raises(Refused, match="Choose today") as no:
        programs.deactivate_program(program, redeem_until=now + timedelta(days=days), by=owner, now=now)
    assert no.value.details["field"] == "redeem_until"


def test_a_program_started_off_has_never_been_active(merchant, owner, now):
    with within(merchant):
        program = programs.create_program(merchant, by=owner, now=now, is_active=False)
        assert program.activated_at is None
        assert programs.activate_program(program, by=owner, now=now + timedelta(days=1))
        assert program.activated_at == now + timedelta(days=1)


def test_a_second_program_is_refused_in_words(merchant, owner, program, now):
    with pytest.raises(Conflict, match="There is a program already") as no:
        programs.create_program(merchant, by=owner, now=now)
    assert no.value.code == "taken"


def test_a_deleted_program_is_not_changed(merchant, owner, program, now):
    programs.delete_program(program, by=owner, now=now)
    program = db.session.scalars(
        LoyaltyProgram.of(merchant), execution_options={"include_deleted": True}
    ).one()
    with pytest.raises(Conflict, match="deleted meanwhile"):
        programs.change_program(program, by=owner, now=now, points_per_euro=2)
    assert programs.find_program(merchant) is None


def at_once(app, merchant, *works):
    """Run each in a thread and a transaction of its own, all beginning together."""
    gate, said = threading.Barrier(len(works)), [None] * len(works)

    def run(n, work):
        with app.app_context(), within(merchant):
            gate.wait()
            try:
                said[n] = work()
                db.session.commit()
            except Refused as refusal:
                db.session.rollback()
                said[n] = refusal.code
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return said


def test_two_who_save_at_once_make_two_versions(app, merchant, owner, now):
    make_program(merchant)
    db.session.expunge_all()

    def save(**changes):
        def work():
            program = programs.find_program(merchant, to_change=True)
            return programs.change_program(program, by=owner, now=now, **changes)

        return work

    for n in range(2, 12, 2):
        said = at_once(app, merchant, save(points_per_euro=n), save(stamps_target=n))
        assert sorted(said) == [["points_per_euro"], ["stamps_target"]]
        with within(merchant):
            program = programs.find_program(merchant)
            assert (program.points_per_euro, program.stamps_target, program.version) == (n, n, n + 1)
            newest = kept(merchant, n + 1).rules
            assert (newest["points_per_euro"], newest["stamps_target"]) == (n, n)
            db.session.rollback()
            db.session.expunge_all()


def test_two_who_start_at_once_make_one_program(app, merchant, owner, now):
    db.session.expunge_all()

    def start():
        return programs.create_program(merchant, by=owner, now=now).id

    said = at_once(app, merchant, start, start, start)
    assert sorted(map(str, said))[1:] == ["taken", "taken"]


def test_saving_against_deleting_loses_nothing(app, merchant, owner, now):
    db.session.expunge_all()
    for n in range(5):
        program = make_program(merchant)
        db.session.expunge_all()

        def save(changed=n + 2):
            held = programs.find_program(merchant, to_change=True)
            if held is None:
                return "gone"
            return programs.change_program(held, by=owner, now=now, points_per_euro=changed)

        def delete():
            held = programs.find_program(merchant, to_change=True)
            return programs.delete_program(held, by=owner, now=now).root_id

        said = at_once(app, merchant, save, delete)
        assert said[0] in ("gone", ["points_per_euro"])
        assert said[1] == program.id
