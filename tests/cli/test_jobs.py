"""`flask jobs`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from portal.models import Deletion, Product, SignInAttempt
from portal.models.actor import OPERATOR
from portal.services import stores, trash
from tests.factories import make_merchant, make_product, make_store, within
from tests.services.importing import committed

NOW = datetime.now(UTC)


def test_the_jobs_are_named(flask):
    text = flask("jobs", "list").output
    for name in ("attempts", "deletions", "purge"):
        assert name in text


def test_an_unknown_job_is_a_usage_error(flask):
    result = flask("jobs", "run", "dishes")
    assert result.exit_code == 2
    assert "'attempts', 'deletions', 'expiry'" in result.stderr


def test_old_tries_to_sign_in_are_forgotten(flask, session):
    for hours in (1, 25, 30):
        session.add(SignInAttempt(subject="x", attempted_at=NOW - timedelta(hours=hours)))
    session.commit()
    assert flask("jobs", "run", "attempts").output == "Forgot 2 old tries to sign in.\n"
    assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 1


def unfinished(monkeypatch, session):
    """A store whose deletion was too large for one transaction."""
    cafe = make_merchant("Café", subdomain="cafe")
    gare = make_store(cafe, "Gare")
    for _ in range(3):
        make_product(gare)
    monkeypatch.setattr("portal.services.trash.throw_away.IN_ONE_TRANSACTION", 1)
    monkeypatch.setattr("portal.services.trash.bring_back.IN_ONE_TRANSACTION", 1)
    with committed(cafe.id):
        number = stores.delete_store(gare, by=OPERATOR, now=NOW).id
    return cafe, number


def test_large_deletions_and_restores_are_finished(flask, session, monkeypatch):
    cafe, number = unfinished(monkeypatch, session)
    with within(cafe):
        assert len(session.scalars(Product.of(cafe)).all()) == 3
    session.rollback()
    assert flask("jobs", "run", "deletions").output == f"Done: store Gare (deletion {number})\n"
    with within(cafe):
        assert not session.scalars(Product.of(cafe)).all()
    session.rollback()
    assert flask("jobs", "run", "deletions").output == ""
    restored = flask("trash", "restore", number)
    assert restored.exit_code == 0
    assert "Restored: store Gare" in flask("jobs", "run", "deletions").output
    with within(cafe):
        assert len(session.scalars(Product.of(cafe)).all()) == 3
        assert session.get(Deletion, (cafe.id, number)).status == "restored"


def test_a_job_goes_on_after_a_refusal_and_ends_with_1(flask, session, monkeypatch):
    cafe, number = unfinished(monkeypatch, session)
    flask("jobs", "run", "deletions")
    flask("trash", "restore", number)
    with within(cafe):
        gare_id = session.get(Deletion, (cafe.id, number)).root_id
    session.rollback()
    dead = {"include_deleted": True}
    with within(cafe):
        sku = session.scalars(
            select(Product.sku).where(Product.store_id == gare_id, Product.merchant_id == cafe.id),
            execution_options=dead,
        ).first()
        taker = Product(store_id=gare_id, name="Taker", sku=sku, price_cents=1)
        session.add(taker)
        session.commit()
    result = flask("jobs", "run", "deletions")
    assert result.exit_code == 1
    assert "is taken now by product Taker" in result.stderr


def test_a_job_goes_on_after_trouble_of_the_database(flask, session, monkeypatch):
    """Three times busy is given up; the next act has its turn all the same."""
    monkeypatch.setattr("portal.services.trouble.PAUSE_SECONDS", 0)
    cafe = make_merchant("Café", subdomain="cafe")
    numbers = []
    for name in ("Gare", "Nord"):
        store = make_store(cafe, name)
        with committed(cafe.id):
            numbers.append(stores.delete_store(store, by=OPERATOR, now=NOW - timedelta(days=40)).id)
    real = trash.start_purge

    def hesitant(act, *, by):
        if act.id == numbers[0]:
            raise OperationalError("", {}, Exception("database is locked"))
        real(act, by=by)

    monkeypatch.setattr(trash, "start_purge", hesitant)
    result = flask("jobs", "run", "purge")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["The database is busy, or broke off. Try again in a moment."]
    assert result.stdout == f"Purged: store Nord (deletion {numbers[1]})\n"
