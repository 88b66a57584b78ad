"""What the stores of the demo sell."""

from typing import NamedTuple


class Item(NamedTuple):
    """One product: SKU, name, category, price in cents; gift cards earn no points."""

    sku: str
    name: str
    category: str
    cents: int
    earns: bool = True


COFFEE = (
    Item("ESP", "Espresso", "Coffee", 260),
    Item("DOP", "Doppio", "Coffee", 340),
    Item("CAP", "Cappuccino", "Coffee", 390),
    Item("FLW", "Flat white", "Coffee", 420),
    Item("LAT", "Caffè latte", "Coffee", 430),
    Item("FIL", "Filter coffee", "Coffee", 320),
)
TEA = (
    Item("EGR", "Earl Grey", "Tea", 350),
    Item("MIN", "Fresh mint tea", "Tea", 380),
    Item("CHA", "Chai latte", "Tea", 450),
)
PASTRY = (
    Item("CRO", "Croissant", "Pastry", 220),
    Item("PAC", "Pain au chocolat", "Pastry", 250),
    Item("CIN", "Cinnamon roll", "Pastry", 340),
)
BEANS = Item("BEA", "House blend, 250 g", "To take home", 1150)
MUG = Item("MUG", "Enamel mug", "To take home", 1490)
COLD_BREW = Item("COL", "Cold brew", "Cold drinks", 440)
GIFT_CARD = Item("GIF", "Gift card 25", "Gift cards", 2500, earns=False)
PUMPKIN = Item("PUM", "Pumpkin spice latte", "Coffee", 490)

GARE = (
    *COFFEE,
    *TEA,
    *PASTRY,
    COLD_BREW,
    BEANS,
    MUG,
    Item("GIT", "Gift card 10", "Gift cards", 1000, earns=False),
    GIFT_CARD,
)
GRUND = (*COFFEE, *TEA[:2], *PASTRY, BEANS, PUMPKIN)
BELVAL = (*COFFEE, *TEA[:2], *PASTRY, COLD_BREW)
KIOSK = (*COFFEE[:3], *PASTRY[:2])
BAKERY = (
    Item("BAG", "Baguette", "Bread", 160),
    Item("CAM", "Pain de campagne", "Bread", 480),
    Item("EPE", "Spelt bread", "Bread", 520),
    Item("CRO", "Croissant", "Pastry", 180),
    Item("BRI", "Brioche", "Pastry", 650),
    Item("ECL", "Éclair au café", "Pastry", 340),
    Item("TAR", "Tarte aux quetsches", "Cakes", 390),
)
BOOKS = (
    Item("RENERT", "Renert", "Classics", 1800),
    Item("ATLAS", "Atlas of small countries", "Travel", 3490),
    Item("KOCH", "Letzebuerger Kachbuch", "Cookery", 2950),
    Item("NOTE", "Notebook, squared", "Paper", 790),
    Item("CARD", "Postcard", "Paper", 150),
)
