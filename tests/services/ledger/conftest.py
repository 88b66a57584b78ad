"""What the tests of the ledger start from."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.factories import within
from tests.services.ledger.stage import Shop, open_shop


@pytest.fixture
def shop_with(app) -> Iterator[Callable[..., Shop]]:
    """Open a shop by the rules given, and work in it until the test ends."""
    with ExitStack() as stack:

        def opened(timezone: str = "Europe/Luxembourg", **rules) -> Shop:
            shop = open_shop(timezone, **rules)
            stack.enter_context(within(shop.merchant))
            return shop

        yield opened


@pytest.fixture
def points_shop(shop_with) -> Shop:
    """A shop with 1 point per euro and nothing else in the way."""
    return shop_with()
