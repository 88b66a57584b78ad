"""Who plays in the tests of stores and products: one merchant's people, and a stranger."""

from types import SimpleNamespace

from tests.factories import make_member, make_merchant, make_store, make_user


def make_cast() -> SimpleNamespace:
    """A merchant with two stores; an owner of it, a manager and staff of the first store only."""
    owner, stranger = make_user("Olga Owner"), make_user("Sam Stranger")
    merchant = make_merchant("Café Lumière", owner=owner)
    gare, belval = make_store(merchant, "Gare", city="Luxembourg"), make_store(merchant, "Belval")
    manager, staff = make_user("Mia Manager"), make_user("Stan Staff")
    make_member(gare, manager, role="manager")
    make_member(gare, staff)
    return SimpleNamespace(
        merchant=merchant,
        gare=gare,
        belval=belval,
        owner=owner,
        manager=manager,
        staff=staff,
        stranger=stranger,
        elsewhere=make_merchant("Elsewhere", owner=stranger),
    )
