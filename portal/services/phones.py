"""Phone numbers: written down in one way (E.164), however people say them."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from portal.errors import Refused
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.words import _


def country_of(merchant: Merchant, store: Store | None = None) -> str:
    """Name the country whose numbers are written without a prefix: the store's, or else the merchant's."""
    told = (store.country or "").strip().upper() if store else ""
    return told if told in phonenumbers.SUPPORTED_REGIONS else merchant.country


def to_e164(text: str | None, country: str) -> str | None:
    """Read a number as people of that country write it; None for an empty one.

    Raises Refused("bad_phone"). A number need only be possible: the plans of the networks change faster
    than any list of them, and nobody is turned away at the till for it.
    """
    if not text or not text.strip():
        return None
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as fault:
        raise _no_phone(country) from fault
    if not phonenumbers.is_possible_number(number) or number.extension:
        raise _no_phone(country)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def spaced(phone: str | None) -> str:
    """Write a number that is kept in E.164 as people read it: +352 621 123 456."""
    try:
        number = phonenumbers.parse(phone or "")
    except NumberParseException:
        return phone or ""
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)


def written_forms(phone: str | None) -> set[str]:
    """List the ways people write a number that is kept in E.164, to find it in a text."""
    if not phone:
        return set()
    try:
        number = phonenumbers.parse(phone)
    except NumberParseException:
        return {phone}
    kinds = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
    forms = {phonenumbers.format_number(number, kind) for kind in kinds}
    return forms | {"".join(filter(str.isdigit, form)) for form in forms}


def _no_phone(country: str) -> Refused:
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if example is None:
        message = _("This is no phone number. Write it with the country first, like +352 621 123 456.")
        return Refused("bad_phone", message, field="phone")
    message = _(
        "This is no phone number. Write it like %(here)s or %(anywhere)s.",
        here=phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL),
        anywhere=phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL),
    )
    return Refused("bad_phone", message, field="phone")
