"""Who is in the demo. Everybody with a username may sign in, all with the same password."""

from typing import NamedTuple

PASSWORD = "three warm croissants"  # noqa: S105 - printed for whoever tries Carnet out


class Person(NamedTuple):
    """One person of the demo; without a username they are known only at the till."""

    name: str
    username: str = ""
    position: str = ""

    @property
    def email(self) -> str | None:
        """An address that can never be anybody's."""
        return f"{self.username}@carnet.example" if self.username else None


class SignIn(NamedTuple):
    """One way into the demo."""

    username: str
    who: str


LEA = Person("Léa Hoffmann", "lea", "Founder")
MARC = Person("Marc Hoffmann", "marc", "Accounts")
SOFIA = Person("Sofia Marques", "sofia", "Store manager")
TOM = Person("Tom Schmit", "tom", "Store manager")
CLAIRE = Person("Claire Weber", "claire", "Store manager")
NINA = Person("Nina Kieffer", "nina", "Barista")
LUCA = Person("Luca Rossi", "luca", "Barista")
ANA = Person("Ana Ribeiro", position="Barista")
JONAS = Person("Jonas Meyer", position="Weekend help")
CAFE = (LEA, MARC, SOFIA, TOM, CLAIRE, NINA, LUCA, ANA, JONAS)

PAUL = Person("Paul Moulin", "paul", "Baker")
EMMA = Person("Emma Klein", "emma", "Bookseller")
ROBIN = Person("Robin Steffen", "robin")
EVERYBODY = (*CAFE, PAUL, EMMA, ROBIN)

SIGN_INS = (
    SignIn("lea", "owner of Café Lumière"),
    SignIn("sofia", "manager of its store Gare"),
    SignIn("nina", "staff at Gare"),
    SignIn("luca", "staff at Gare, and manager of the bakery: chooses where to go"),
    SignIn("paul", "owner of the bakery, Boulangerie Moulin"),
    SignIn("emma", "owner of the book shop, Librairie Papyrus"),
    SignIn("robin", "platform admin, member of no merchant"),
)
