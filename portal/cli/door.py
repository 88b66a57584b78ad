"""How every command begins and answers: one session, one way to be refused."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from inspect import cleandoc
from typing import Any, TypeVar

import click
from flask.cli import ScriptInfo
from sqlalchemy.exc import DBAPIError

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.tenancy import during
from portal.services.trouble import is_busy, is_nonsense, tried_again

Result = TypeVar("Result")
SENTENCE = 200  # longer than any first sentence
# What the database says of itself, and what that means.
UNREACHED = "The database cannot be reached. Check DATABASE_URL, and that the database runs."
NO_TABLES = "The database has no tables yet. Make them with: flask db upgrade"
SIGNS = {
    "no such table": NO_TABLES,
    "UndefinedTable": NO_TABLES,
    "connection failed": UNREACHED,
    "failed to resolve": UNREACHED,
    "unable to open database file": UNREACHED,
    "disk is full": "The database's disk is full. Make room, then try again.",
    "readonly database": "The database cannot be written. Check the rights of its file and folder.",
}


class Act(click.Command):
    """One command; a refusal is a sentence on stderr and exit code 1.

    `reads=True` marks a command that only looks: it never waits for, nor locks out, a writer.
    """

    def __init__(self, *args: Any, reads: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = laid_out(self.help)
        self.reads = reads

    def get_short_help_str(self, limit: int = 0) -> str:
        """Say in a list what it does: the whole first sentence, never cut off."""
        return super().get_short_help_str(max(limit, SENTENCE))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command over a session of its own; whatever it did not commit is undone."""
        app = ctx.ensure_object(ScriptInfo).load_app()
        answer = None
        with app.app_context(), answering() as refusals, _looking(self.reads):
            answer = super().invoke(ctx)
        if refusals:
            ctx.exit(1)
        return answer


class Room(click.Group):
    """Commands about one thing."""

    command_class = Act

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.help = laid_out(self.help)

    def get_short_help_str(self, limit: int = 0) -> str:
        """Say in a list what it is about: the whole first sentence, never cut off."""
        return super().get_short_help_str(max(limit, SENTENCE))


def laid_out(text: str | None) -> str:
    """Keep the lines of examples apart; click would run them together."""
    return cleandoc(text or "").replace("\n\nExample", "\n\n\b\nExample")


def _looking(reads: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - private
    return during(db.session, "read_only", value=True) if reads else nullcontext()


@contextmanager
def answering() -> Iterator[list[Refused]]:
    """Undo what was refused and say why; the refusals met are handed back."""
    refusals: list[Refused] = []
    try:
        yield refusals
    except Refused as refusal:
        db.session.rollback()
        refusals.append(refusal)
        for line in sentences(refusal):
            click.echo(line, err=True)
    except DBAPIError as fault:
        db.session.rollback()
        said = told(fault)
        if not said:
            raise
        refusals.append(Refused("trouble", said))
        click.echo(said, err=True)


def told(fault: DBAPIError) -> str:
    """Say what ails the database; nothing for what is a bug of ours."""
    for sign, sentence in SIGNS.items():
        if sign in repr(fault):
            return sentence
    if is_nonsense(fault):
        return "The database cannot hold such a value: a number too large, or a text with a NUL."
    return "The database is busy, or broke off. Try again in a moment." if is_busy(fault) else ""


def whole(work: Callable[[], Result]) -> Result:
    """Run a unit of work, and again from its beginning after a passing trouble of the database."""
    return tried_again(work, undo=db.session.rollback)


def done(work: Callable[[], Any]) -> bool:
    """Do one unit of many; when it is refused, say so and let the others go on."""
    with answering() as refusals:
        work()
    return not refusals


def sentences(refusal: Refused) -> Iterator[str]:
    """Say what was refused, and which option would help."""
    clashes = refusal.conflicts if isinstance(refusal, Conflict) else ()
    if not clashes:
        yield refusal.message
    for clash in clashes:
        yield from ways_out(clash)
    if isinstance(refusal, Conflict) and refusal.blocked_by:
        yield f"  It is deletion {refusal.blocked_by['deletion_id']}. Restore it too: --with-owners"


def ways_out(clash: Any) -> Iterator[str]:
    """Say which value is taken, and the options that get around it."""
    yield clash.sentence
    if clash.can_change:
        yield f"  Give it a new value: --set {clash.key}=VALUE"
    if clash.can_change and clash.can_clear:
        yield f"  or none: --set {clash.key}="
    if clash.kind == "loyalty_programs":
        yield "  Put the living one in the trash: --replace"


def now() -> datetime:
    """The moment a command runs, in UTC."""
    return datetime.now(UTC)
