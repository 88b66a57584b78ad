"""Pictures of a card: drawn again from their pixels, kept once, gone with their program."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models import LoyaltyProgram, Media
from portal.services import merchants, pictures, programs, trash
from portal.services.pictures import LARGEST, drawn_again
from tests.factories import make_merchant, make_program, owner_of, within


def drawn(size=(64, 64), kind="PNG", mode="RGB", colour=(200, 30, 30), **options):
    out = BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def opened(picture):
    return Image.open(BytesIO(picture.content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_usual_kind_is_taken_and_drawn_again(kind):
    sent = drawn(kind=kind)
    picture = drawn_again(sent, (512, 512))
    assert (picture.content_type, picture.width, picture.height) == ("image/jpeg", 64, 64)
    assert opened(picture).format == "JPEG"
    assert picture.content != sent


@pytest.mark.parametrize(
    ("mode", "colour"), [("RGBA", (9, 9, 9, 0)), ("LA", (9, 0)), ("P", 0)], ids=["RGBA", "LA", "P"]
)
def test_what_can_be_seen_through_stays_so(mode, colour):
    options = {"transparency": 0} if mode == "P" else {}
    picture = drawn_again(drawn(mode=mode, colour=colour, **options), (512, 512))
    assert picture.content_type == "image/png"
    assert opened(picture).convert("RGBA").getpixel((5, 5))[3] == 0


@pytest.mark.parametrize(("mode", "colour"), [("CMYK", (0, 200, 200, 0)), ("L", 90)])
def test_pictures_of_a_printer_become_pictures_of_a_screen(mode, colour):
    picture = drawn_again(drawn(kind="JPEG", mode=mode, colour=colour), (512, 512))
    assert opened(picture).mode == "RGB"


@pytest.mark.parametrize(
    ("sent", "use", "kept"),
    [((3000, 1500), "hero", (1600, 800)), ((1000, 2000), "logo", (256, 512)), ((100, 40), "logo", (100, 40))],
)
def test_large_pictures_become_smaller_and_small_ones_stay(sent, use, kept):
    for kind in ("PNG", "JPEG"):
        picture = drawn_again(drawn(sent, kind=kind), LARGEST[use])
        assert (picture.width, picture.height) == kept
        assert opened(picture).size == kept


def test_what_a_camera_wrote_stays_behind_and_the_picture_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "Home of Mia Muster"
    sent = drawn((200, 100), kind="JPEG", exif=exif, comment=b"secret", icc_profile=b"profile")
    assert b"Mia Muster" in sent
    picture = drawn_again(sent, (512, 512))
    assert (picture.width, picture.height) == (100, 200)
    assert not opened(picture).getexif()
    for hidden in (b"Mia Muster", b"secret", b"profile"):
        assert hidden not in picture.content


def bomb(width, height):
    """A PNG whose head promises more than anybody can unpack."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))


def moving():
    frames = [Image.new("RGB", (64, 64), (n * 80, 0, 0)) for n in range(3)]
    out = BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "Choose a picture first"),
        (b"hello", "no picture we can read"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            "no picture we can read",
        ),
        (b"GIF89a" + b"\0" * 200, "no picture we can read"),
        (drawn()[:60], "no picture we can read"),
        (drawn((400, 400), kind="JPEG")[:300], "no picture we can read"),
        (drawn(kind="GIF", mode="P", colour=0), "no picture we can read"),
        (drawn(kind="BMP"), "no picture we can read"),
        (drawn((31, 64)), "only 31 by 64 pixels"),
        (drawn((6000, 5000), colour=0), "more than 25 million pixels"),
        (bomb(40_000, 40_000), "no picture we can read"),
        (bomb(10_000, 10_000), "no picture we can read"),
        (bomb(9_000, 9_000), "more than 25 million pixels"),
        (bomb(500, 500), "no picture we can read"),
        (moving(), "The picture moves"),
        (b"\0" * (pictures.LARGEST_FILE + 1), "larger than 2 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_for_a_card_is_refused_in_words(sent, sentence):
    with pytest.raises(Refused, match=sentence) as no:
        drawn_again(sent, (512, 512))
    assert (no.value.code, no.value.details["field"]) == ("bad_picture", "picture")


@pytest.fixture
def merchant(app):
    return make_merchant()


@pytest.fixture
def owner(merchant):
    return owner_of(merchant)


@pytest.fixture
def program(merchant):
    made = make_program(merchant)
    with within(merchant):
        yield db.session.merge(made)
        db.session.rollback()


def rows(merchant):
    return db.session.scalar(select(func.count(Media.id)).where(Media.merchant_id == merchant.id))


def at(address):
    _, _, ref, name = address.split("/")
    return pictures.find_picture(ref, *name.split("."))


def test_a_picture_is_kept_and_found_by_its_address(merchant, owner, program, now):
    put = {"merchant": merchant, "by": owner, "now": now}
    assert pictures.put_picture(program, "logo", drawn(), **put) == ["logo_url"]
    assert program.version == 2
    assert program.logo_url.startswith(f"/media/{merchant.public_ref}/")
    found = at(program.logo_url)
    assert (found.content_type, found.width, found.height) == ("image/jpeg", 64, 64)
    assert found.sha256 in program.logo_url
    kept = db.session.scalars(Media.of(merchant)).one()
    assert (kept.program_id, kept.uploaded_by_id) == (program.id, owner.user_id)
    assert pictures.put_picture(program, "logo", drawn(), **put) == []
    assert (rows(merchant), program.version) == (1, 2)


def test_another_picture_takes_the_place_of_the_one_before(merchant, owner, program, now):
    put = {"merchant": merchant, "by": owner, "now": now}
    pictures.put_picture(program, "logo", drawn(), **put)
    old = program.logo_url
    pictures.put_picture(program, "logo", drawn(colour=(0, 90, 0)), **put)
    assert program.logo_url != old
    assert at(old) is None
    assert rows(merchant) == 1


def test_one_picture_may_serve_twice(merchant, owner, program, now):
    put = {"merchant": merchant, "by": owner, "now": now}
    for use in ("logo", "hero"):
        pictures.put_picture(program, use, drawn(), **put)
    assert (rows(merchant), program.logo_url) == (2, program.hero_image_url)
    assert pictures.remove_picture(program, "logo", by=owner, now=now) == ["logo_url"]
    assert at(program.hero_image_url) is not None
    assert (rows(merchant), program.logo_url) == (1, None)
    assert pictures.remove_picture(program, "logo", by=owner, now=now) == []


def test_a_refused_picture_changes_nothing(merchant, owner, program, now):
    with pytest.raises(Refused):
        pictures.put_picture(program, "logo", b"no", merchant=merchant, by=owner, now=now)
    assert (program.version, program.logo_url, rows(merchant)) == (1, None, 0)


def test_strangers_addresses_lead_nowhere(merchant, owner, program, now):
    pictures.put_picture(program, "logo", drawn(), merchant=merchant, by=owner, now=now)
    db.session.flush()
    elsewhere = make_merchant()
    name = program.logo_url.rpartition("/")[2]
    assert pictures.find_picture(elsewhere.public_ref, *name.split(".")) is None
    assert pictures.find_picture("nobody", *name.split(".")) is None
    assert pictures.find_picture(merchant.public_ref, name.split(".")[0], "png") is None
    assert pictures.find_picture(merchant.public_ref, name.split(".")[0], "gif") is None


def test_pictures_go_for_good_with_their_program_and_no_earlier(merchant, owner, program, now):
    put = {"merchant": merchant, "by": owner, "now": now}
    pictures.put_picture(program, "logo", drawn(), **put)
    act = programs.delete_program(program, by=owner, now=now)
    assert rows(merchant) == 1
    second = programs.create_program(merchant, by=owner, now=now)
    pictures.put_picture(second, "logo", drawn(), **put)
    address = second.logo_url
    assert rows(merchant) == 2
    trash.purge(act, by=owner, now=now)
    assert rows(merchant) == 1
    assert at(address) is not None
    assert programs.find_program(merchant).logo_url == address


def test_pictures_of_a_deleted_merchant_are_not_shown(merchant, owner, program, now):
    pictures.put_picture(program, "logo", drawn(), merchant=merchant, by=owner, now=now)
    address = program.logo_url
    merchants.delete_merchant(db.session.merge(merchant), by=owner, now=now)
    db.session.flush()
    assert at(address) is None
    assert db.session.scalars(select(LoyaltyProgram)).all() == []
