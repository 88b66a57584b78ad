"""The merchants of the demo, their stores, and who works where."""

from typing import NamedTuple

from portal.services.demo import people, shelves
from portal.services.demo.people import Person


class Place(NamedTuple):
    """One store: where it is, what it sells, who works there as what."""

    code: str
    name: str
    address: str
    postal_code: str
    city: str
    shelf: tuple[shelves.Item, ...]
    team: tuple[tuple[Person, str], ...]


class Business(NamedTuple):
    """One merchant of the demo."""

    name: str
    subdomain: str
    owners: tuple[Person, ...]
    places: tuple[Place, ...]


GARE = Place(
    "gare",
    "Gare",
    "12, avenue de la Gare",
    "L-1611",
    "Luxembourg",
    shelves.GARE,
    (
        (people.SOFIA, "manager"),
        (people.NINA, "staff"),
        (people.LUCA, "staff"),
        (people.JONAS, "staff"),
    ),
)
GRUND = Place(
    "grund",
    "Grund",
    "5, montée du Grund",
    "L-1645",
    "Luxembourg",
    shelves.GRUND,
    ((people.TOM, "manager"), (people.ANA, "staff")),
)
BELVAL = Place(
    "belval",
    "Belval",
    "7, avenue du Rock'n'Roll",
    "L-4361",
    "Esch-sur-Alzette",
    shelves.BELVAL,
    ((people.CLAIRE, "manager"), (people.JONAS, "staff")),
)
KIOSK = Place(
    "kiosk",
    "Kiosk",
    "Place d'Armes",
    "L-1136",
    "Luxembourg",
    shelves.KIOSK,
    ((people.ANA, "staff"),),
)
CAFE = Business("Café Lumière", "cafe-lumiere", (people.LEA, people.MARC), (GARE, GRUND, BELVAL, KIOSK))
BAKERY = Business(
    "Boulangerie Moulin",
    "boulangerie-moulin",
    (people.PAUL,),
    (
        Place(
            "moulin",
            "Moulin",
            "3, rue du Moulin",
            "L-2420",
            "Luxembourg",
            shelves.BAKERY,
            ((people.LUCA, "manager"),),
        ),
    ),
)
BOOKS = Business(
    "Librairie Papyrus",
    "librairie-papyrus",
    (people.EMMA,),
    (
        Place(
            "papyrus",
            "Papyrus",
            "21, Grand-Rue",
            "L-1661",
            "Luxembourg",
            shelves.BOOKS,
            (),
        ),
    ),
)
BUSINESSES = (CAFE, BAKERY, BOOKS)
