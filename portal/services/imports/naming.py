"""Which order a basket is: by its number, or where several stores number alike, by number and store.

The first order of a number has the number as its reference. One of another store is told apart by the
id of its store, and is known by that ever after; so the same file again finds the same orders.
"""

from collections.abc import Mapping, Sequence

from portal.errors import Refused
from portal.services.imports.lookups import Known, Stores
from portal.services.imports.plans import Plan
from portal.services.imports.sales import Basket
from portal.words import _


class Names:
    """The references of the orders of one chunk."""

    def __init__(self, plan: Plan, stores: Stores) -> None:
        self.plan, self.stores = plan, stores
        self.living = set(stores.ids.values())
        self.taken: dict[str, int] = {}

    def possible(self, baskets: Sequence[Basket]) -> list[str]:
        """Name all references the baskets may have."""
        theirs = [(basket.number, self._with_store(basket, self._store_of(basket))) for basket in baskets]
        return [name for names in theirs for name in names]

    def settle(self, basket: Basket, here: Mapping[str, Known]) -> None:
        """Give a basket its reference; raises Refused("twice") for a second one of the same order."""
        store_id = self._store_of(basket)
        with_store, known = self._with_store(basket, store_id), here.get(basket.number)
        if with_store in here:
            basket.key = with_store
        elif store_id is None:
            basket.key = basket.number if known else basket.key
        elif known is not None:
            basket.key = with_store if self._is_another(basket, known, store_id) else basket.number
        else:
            basket.key = self._take(basket, store_id)

    def _take(self, basket: Basket, store_id: int) -> str:
        """Take the number alone for the first order in this chunk that has it."""
        first = self.taken.setdefault(basket.number, store_id)
        name = basket.number if first == store_id else self._with_store(basket, store_id)
        if self.taken.setdefault(f"{name} of", basket.first_line) != basket.first_line:
            raise Refused("twice", _("The file has another basket of this number in this store."))
        return name

    def _is_another(self, basket: Basket, known: Known, store_id: int) -> bool:
        """Whether the order that is here is one of another store that lives.

        With --store the same moment means the same sale: the file was imported into the wrong store.
        """
        elsewhere = known.store_id != store_id and known.store_id in self.living
        return elsewhere and not (self.plan.store and known.occurred_at == basket.at)

    def _store_of(self, basket: Basket) -> int | None:
        if not self.plan.is_numbered_by_store:
            return None
        try:
            return self.stores.called(self.plan.store or basket.said.get("store"))
        except Refused:  # told when the basket is judged
            return None

    def _with_store(self, basket: Basket, store_id: int | None) -> str:
        return basket.key if store_id is None else f"{basket.number}@{store_id}"
