"""Why something was done, in words: the codes that rows of the ledger carry."""

from typing import Any

from portal.words import later

WORDS: dict[str, Any] = {
    "mistake": later("entered by mistake"),
    "wrong_card": later("wrong card"),
    "wrong_amount": later("wrong amount"),
    "goodwill": later("goodwill"),
    "complaint": later("complaint"),
    "missing": later("a purchase was not counted"),
    "promotion": later("promotion"),
    "correction": later("correction"),
    "lost_card": later("card lost"),
    "migration": later("taken over from another system"),
    "fraud": later("misuse"),
    "erased": later("the customer was erased"),
    "merge": later("two records of one person became one"),
    "unmerge": later("a merge was taken back"),
    "import_undone": later("the import was taken back"),
    "other": later("another reason"),
}


def reason_word(code: str) -> str:
    """Say a reason; one that is not known here by its code."""
    return str(WORDS.get(code) or code.replace("_", " "))
