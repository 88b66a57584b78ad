"""Pictures of a program: taken in, encoded anew, kept, shown to anybody, removed.

What was uploaded is never handed out: only what we drew again from its pixels.
"""

import hashlib
from datetime import datetime
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageOps
from sqlalchemy import delete, select

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.records import Media
from portal.models.tenancy import scoped
from portal.services.programs import change_program, hold
from portal.words import _, number

LARGEST_FILE = 2 * 1024 * 1024 - 16 * 1024  # a request takes 2 MB, and its other fields want room
MOST_PIXELS = 25_000_000  # more would fill the memory when unpacked
SMALLEST_SIDE = 32
FORMATS = ("PNG", "JPEG", "WEBP")
# use of a picture -> the largest it is kept, and the column that holds its address
LARGEST = {"logo": (512, 512), "hero": (1600, 800)}
COLUMNS = {"logo": "logo_url", "hero": "hero_image_url"}
ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
TYPES = {ending: content_type for content_type, ending in ENDINGS.items()}
# Whatever a broken or hostile file makes the decoder say.
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    MemoryError,
    OverflowError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class Picture(NamedTuple):
    """A picture as we drew it again."""

    content: bytes
    content_type: str
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Its name, by what is in it."""
        return hashlib.sha256(self.content).hexdigest()


def put_picture(
    program: LoyaltyProgram, use: str, content: bytes, *, merchant: Merchant, by: Actor, now: datetime
) -> list[str]:
    """Put a picture on the card as its "logo" or "hero", instead of the one before; a new version.

    Raises Refused("bad_picture").
    """
    hold(program)
    picture = drawn_again(content, LARGEST[use])
    kind = _kind(program, use)
    kept = select(Media.id).where(Media.merchant_id == merchant.id, Media.kind == kind)
    if db.session.scalar(kept.where(Media.sha256 == picture.sha256)) is None:
        _drop(program, use)
        row = Media(
            merchant_id=merchant.id,
            kind=kind,
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
            sha256=picture.sha256,
            content=picture.content,
            program_id=program.id,
            uploaded_by_id=by.user_id,
        )
        db.session.add(row)
    address = address_of(merchant, picture.sha256, ENDINGS[picture.content_type])
    return change_program(program, by=by, now=now, **{COLUMNS[use]: address})


def remove_picture(program: LoyaltyProgram, use: str, *, by: Actor, now: datetime) -> list[str]:
    """Take a picture off the card; nothing happens when there is none."""
    hold(program)
    _drop(program, use)
    return change_program(program, by=by, now=now, **{COLUMNS[use]: None})


def address_of(merchant: Merchant, sha256: str, ending: str) -> str:
    """Where a picture is shown: nobody guesses what is named by its content."""
    return f"/media/{merchant.public_ref}/{sha256}.{ending}"


def find_picture(public_ref: str, sha256: str, ending: str) -> Picture | None:
    """Find a picture by its address, for whoever knows it, as long as the merchant lives."""
    merchant = db.session.scalar(select(Merchant).where(Merchant.public_ref == public_ref))
    if merchant is None:
        return None
    with scoped(db.session, merchant.id):
        named = (Media.sha256 == sha256, Media.content_type == TYPES.get(ending, ""))
        columns = select(Media.content, Media.content_type, Media.width, Media.height)
        row = db.session.execute(columns.where(Media.merchant_id == merchant.id, *named).limit(1)).first()
    return Picture(*row) if row else None


def drawn_again(content: bytes, largest: tuple[int, int]) -> Picture:
    """Read a picture, turn it upright, make it small enough and draw it anew, without what was hidden in it.

    Raises Refused("bad_picture").
    """
    if len(content) > LARGEST_FILE:
        raise _bad(_("The picture is larger than 2 MB. Choose a smaller one."))
    if not content:
        raise _bad(_("Choose a picture first."))
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            _check(opened)
            return _encoded(_upright(opened, largest))
    except UNREADABLE as fault:
        message = _("This is no picture we can read. Choose a PNG, JPEG or WebP file.")
        raise _bad(message) from fault


def _check(picture: Image.Image) -> None:
    """Look at what the head of the file says, before anything is unpacked."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        most = number(MOST_PIXELS // 1_000_000)
        raise _bad(_("The picture has more than %(most)s million pixels. Make it smaller.", most=most))
    if getattr(picture, "n_frames", 1) > 1:
        raise _bad(_("The picture moves. Choose one that stands still."))
    if min(width, height) < SMALLEST_SIDE:
        raise _bad(
            _(
                "The picture is only %(width)s by %(height)s pixels. Each side needs at least %(least)s.",
                width=width,
                height=height,
                least=SMALLEST_SIDE,
            )
        )


def _upright(opened: Image.Image, largest: tuple[int, int]) -> Image.Image:
    opened.draft(None, (largest[0] * 2, largest[1] * 2))  # a JPEG unpacks no more than is needed
    turned = ImageOps.exif_transpose(opened)
    plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    plain.thumbnail(largest, Image.Resampling.LANCZOS)
    if min(plain.size) < SMALLEST_SIDE:
        raise _bad(_("The picture is too narrow: hardly a strip would be left. Crop it first."))
    return plain


def _encoded(plain: Image.Image) -> Picture:
    """Paste the pixels onto an empty sheet: place, camera and comments stay behind."""
    sheet = Image.new(plain.mode, plain.size)
    sheet.paste(plain)
    out = BytesIO()
    if plain.mode == "RGBA":
        sheet.save(out, "PNG", optimize=True)
        return Picture(out.getvalue(), "image/png", *sheet.size)
    sheet.save(out, "JPEG", quality=88, optimize=True, progressive=True)
    return Picture(out.getvalue(), "image/jpeg", *sheet.size)


def _drop(program: LoyaltyProgram, use: str) -> None:
    mine = (Media.merchant_id == program.merchant_id, Media.kind == _kind(program, use))
    db.session.execute(delete(Media).where(*mine))


def _kind(program: LoyaltyProgram, use: str) -> str:
    """Each program has its own: purging an old one takes nothing from the new."""
    return f"{use}-{program.id}"


def _bad(message: str) -> Refused:
    return Refused("bad_picture", message, field="picture")
