"""What becomes of the rows of an import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

OUTCOMES = ("new", "updated", "unchanged", "skipped", "refused", "left_out")


@dataclass
class Fate:
    """What became of one row: an outcome for each store it was meant for, or why it was refused."""

    number: int
    cells: list[str]
    outcomes: list[str] = field(default_factory=list)
    reason: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Whether nothing of the row was written, for it must be mended first."""
        return "refused" in self.outcomes


@dataclass
class Report:
    """The sums of an import, and each warning with the number of rows it was given for."""

    counts: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    warned: int = 0

    def add(self, fates: Iterable[Fate]) -> None:
        """Count what became of some rows more."""
        for fate in fates:
            self.counts.update(fate.outcomes)
            self.warnings.update(set(fate.warnings))
            self.warned += bool(fate.warnings)

    @property
    def has_changed(self) -> bool:
        """Whether anything was written."""
        return bool(self.counts["new"] or self.counts["updated"])
