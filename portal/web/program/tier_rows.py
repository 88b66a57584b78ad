"""The field of the tiers: a few rows, added and removed with or without JavaScript."""

from typing import Any, NamedTuple

from wtforms import Field
from wtforms.utils import unset_value
from wtforms.validators import ValidationError

from portal.errors import Refused
from portal.models.text import slug_from
from portal.models.tiers import LONGEST_TIER_KEY, MOST_TIERS, checked_tiers, faults_in
from portal.web.program.fields import FIGURES, TIMES, multiplier_read, multiplier_typed
from portal.words import _

CELLS = ("name", "key", "threshold", "multiplier")


class TierRow(NamedTuple):
    """One tier as people typed it."""

    name: str = ""
    key: str = ""
    threshold: str = ""
    multiplier: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed into it."""
        return not any(self)


class TierList(list[TierRow]):
    """Tiers as people typed them; read aloud, they say themselves."""

    def __str__(self) -> str:
        """Say all: Guest 0 x1, Friend 300 x1.5."""
        return ", ".join(f"{row.name} ({row.key}) {row.threshold} {TIMES}{row.multiplier}" for row in self)


class TierRows(Field):  # type: ignore[misc]  # WTForms has no types
    """The tiers; `value` is what the verb takes, `faults` what is wrong: (row, cell) to a sentence."""

    value: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.faults: dict[tuple[int, str], str] = {}
        self.added = -1  # the row that was just put in

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Take the rows from the form, all cells of one name at once; else what is there."""
        del extra_filters
        self.object_data = self.data = TierList() if data is unset_value else data
        if formdata and self.name in formdata:  # what is not sent stays as it is
            columns = [formdata.getlist(f"tier_{cell}")[: MOST_TIERS + 1] for cell in CELLS]
            rows = zip(*columns, strict=False)
            self.data = TierList(TierRow(*(cell.strip() for cell in row)) for row in rows)

    def add(self) -> None:
        """Put an empty row at the end; the first tier begins at 0."""
        self.added = len(self.data)
        self.data.append(TierRow(threshold="" if self.data else "0", multiplier="" if self.data else "1"))

    def remove(self, row: int) -> None:
        """Take a row out."""
        if 0 <= row < len(self.data):
            del self.data[row]

    def pre_validate(self, form: Any) -> None:
        """Find everything that is wrong at once; rows with nothing in them do not count."""
        del form
        self.data = with_keys(TierList(row for row in self.data if not row.is_empty))
        tiers = [_tier(row) for row in self.data]
        self.faults = {(f.row, _cell(f.cell)): f.sentence for f in faults_in(tiers)}
        if self.faults:
            raise ValidationError(_("Look at the rows marked below."))
        try:
            self.value = checked_tiers(tiers)
        except Refused as refusal:
            raise ValidationError(refusal.message) from refusal


def typed_tiers(tiers: list[dict[str, Any]]) -> TierList:
    """Write the tiers as people type them."""
    return TierList(
        TierRow(t["name"], t["key"], str(t["threshold"]), multiplier_typed(t["multiplier_bp"])) for t in tiers
    )


def with_keys(rows: TierList) -> TierList:
    """Give every row that has none a key made from its name, which no other row has."""
    taken = {row.key for row in rows if row.key}
    done = TierList()
    for row in rows:
        key = row.key.lower() or _free_key(slug_from(row.name)[: LONGEST_TIER_KEY - 3] or "tier", taken)
        taken.add(key)
        done.append(row._replace(key=key))
    return done


def _free_key(wanted: str, taken: set[str]) -> str:
    tries = (wanted, *(f"{wanted.rstrip('-')}-{n}" for n in range(2, MOST_TIERS + 2)))
    return next(key for key in tries if key not in taken)


def _tier(row: TierRow) -> dict[str, Any]:
    digits = "".join(sign for sign in row.threshold if sign.isascii() and sign.isdigit())[:19]
    threshold = int(digits) if FIGURES.fullmatch(row.threshold) else -1
    return {
        "key": row.key,
        "name": row.name,
        "threshold": threshold,
        "multiplier_bp": multiplier_read(row.multiplier),
    }


def _cell(name: str) -> str:
    return "multiplier" if name == "multiplier_bp" else name
