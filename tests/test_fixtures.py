"""The clean database every test starts from is clean indeed."""

from portal.extensions import db
from portal.models import User
from tests.factories import make_user


def test_a_clean_database_counts_from_one_also_after_what_was_rolled_back(app, database):
    db.session.add(User(display_name="Robin"))
    db.session.flush()
    db.session.rollback()
    db.session.remove()
    if database.name == "sqlite":
        db.engine.dispose()
    database.clean()
    assert make_user("Robin").id == 1
