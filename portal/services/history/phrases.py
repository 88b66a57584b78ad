"""What every act is called: one sentence for each verb, and its own where a kind of thing needs it.

A new verb needs a phrase here; a test finds the one that has none.
"""

from typing import Any

from sqlalchemy import ColumnElement, or_

from portal.models.field_words import field_word
from portal.models.records import AuditEntry
from portal.words import _, later, number

# "verb", or "kind.verb" where that kind has words of its own.
PHRASES: dict[str, Any] = {
    "create": later("%(who)s added %(what)s"),
    "merchants.create": later("%(who)s founded the business"),
    "stores.create": later("%(who)s opened %(what)s"),
    "loyalty_programs.create": later("%(who)s started %(what)s"),
    "store_users.create": later("%(who)s added %(what)s to the team as %(role)s"),
    "merchant_owners.create": later("%(who)s made %(what)s an owner"),
    "invitations.create": later("%(who)s invited %(what)s as %(role)s"),
    "accept": later("%(what)s accepted the invitation of %(who)s"),
    "revoke": later("%(who)s took %(what)s back"),
    "invitations.revoke": later("%(who)s took the invitation of %(what)s back"),
    "change": later("%(who)s changed %(what)s: %(fields)s"),
    "merchants.change": later("%(who)s changed the settings: %(fields)s"),
    "users.change": later("%(who)s changed the profile of %(what)s: %(fields)s"),
    "loyalty_programs.deactivate": later("%(who)s paused %(what)s"),
    "activate": later("%(who)s switched %(what)s on"),
    "deactivate": later("%(who)s switched %(what)s off"),
    "move": later("%(who)s put %(what)s in another place"),
    "end": later("%(who)s signed a browser out"),
    "end_sessions": later("%(who)s signed %(what)s out everywhere"),
    "set_password": later("%(who)s set a new password for %(what)s"),
    "import": later("%(who)s imported %(things)s: %(counts)s"),
    "undo_import": later("%(who)s took an import of %(things)s back: %(counts)s"),
    "delete": later("%(who)s put %(what)s in the trash"),
    "store_users.delete": later("%(who)s took %(what)s out of the team"),
    "merchant_owners.delete": later("%(who)s took the ownership of %(what)s away"),
    "delete_many": later("%(who)s put %(many)s in the trash in one go"),
    "store_users.delete_many": later("%(who)s took %(many)s out of the team in one go"),
    "finish_delete": later("%(who)s finished putting %(what)s in the trash"),
    "restore": later("%(who)s brought %(what)s back from the trash"),
    "finish_restore": later("%(who)s finished bringing %(what)s back from the trash"),
    "purge": later("%(who)s removed %(what)s for good"),
    "hold": later("%(who)s put %(what)s on hold in the trash"),
    "release": later("%(who)s lifted the hold on %(what)s"),
    "refund": later("%(who)s gave money back for %(what)s"),
    "void": later("%(who)s voided a movement on the card of %(what)s"),
    "adjust": later("%(who)s adjusted the balance of %(what)s by hand"),
    "propose": later("%(who)s proposed an adjustment of %(what)s"),
    "settle": later("%(who)s looked at %(what)s, up for review, and settled it"),
    "convert": later("%(who)s converted what %(what)s does not count any more"),
    "call": later("%(who)s called the admin API"),
    "consent": later("%(who)s noted that %(what)s agrees to marketing"),
    "withdraw": later("%(who)s noted that %(what)s wants no marketing"),
    "enrol": later("%(who)s gave %(what)s a card"),
    "replace_token": later("%(who)s replaced the card of %(what)s"),
    "suspend": later("%(who)s suspended the card of %(what)s"),
    "lift": later("%(who)s lifted the suspension of the card of %(what)s"),
    "merge": later("%(who)s merged another customer into %(what)s"),
    "unmerge": later("%(who)s took a merge into %(what)s back"),
    "erase": later("%(who)s erased %(what)s for good"),
}
UNKNOWN = later("%(who)s did “%(verb)s” with %(what)s")
# What people filter by; whatever is not named here counts as a change.
DEEDS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "added": (later("Added"), ("create", "accept", "import")),
    "changed": (later("Changed"), ()),
    "deleted": (later("Put in the trash"), ("delete", "delete_many", "finish_delete")),
    "restored": (later("Brought back"), ("restore", "finish_restore")),
    "purged": (later("Removed for good"), ("purge",)),
}
CHANNELS: dict[str, Any] = {
    "portal": later("Portal"),
    "till": later("Till"),
    "api": later("API"),
    "cli": later("Command line"),
    "job": later("Nightly job"),
}
OUTCOMES: dict[str, Any] = {
    "new": later("%(num)s new"),
    "updated": later("%(num)s updated"),
    "unchanged": later("%(num)s unchanged"),
    "skipped": later("%(num)s skipped"),
    "refused": later("%(num)s refused"),
    "left_out": later("%(num)s left out"),
    "earned": later("%(num)s earned points"),
    "taken_back": later("%(num)s taken back"),
    "set_back": later("%(num)s set back"),
    "kept": later("%(num)s kept"),
}
# Fields that people know by other words than the table does.
FIELDS: dict[str, Any] = {
    "price_cents": later("price"),
    "earns_points": later("whether it earns points"),
    "external_ref": later("reference"),
    "timezone": later("time zone"),
    "locale": later("language"),
    "retention_days": later("how long the trash is kept"),
    "display_name": later("name"),
    "email": later("e-mail"),
    "sku": later("SKU"),
    "is_platform_admin": later("platform admin"),
    "home_store_id": later("home store"),
    "store_id": later("store"),
    "is_active": later("whether it runs"),
    "loyalty_type": later("what is collected"),
    "stamps_target": later("stamps for a reward"),
    "stamps_reward_description": later("what a full card gives"),
    "stamps_reward_value_cents": later("what a full card is worth"),
    "points_per_euro": later("points for each unit of money"),
    "points_expiration_days": later("when points expire"),
    "welcome_bonus_points": later("welcome bonus"),
    "minimum_redemption_points": later("fewest points to redeem"),
    "minimum_purchase_cents": later("smallest purchase that counts"),
    "tier_config": later("tiers"),
    "tier_window_days": later("time a tier looks back"),
    "tier_grace_days": later("time a tier is kept"),
    "cooldown_minutes": later("time between two stamps"),
    "max_daily_stamps": later("most stamps a day"),
    "max_stamps_per_transaction": later("most stamps at once"),
    "require_staff_pin": later("PIN at the till"),
    "card_name": later("name of the card"),
    "card_color": later("colour"),
    "card_secondary_color": later("second colour"),
    "logo_url": later("logo"),
    "hero_image_url": later("picture"),
    "google_issuer_id": later("Google issuer"),
    "google_class_id": later("Google class"),
    "apple_pass_type_id": later("Apple pass type"),
    "apple_team_id": later("Apple team"),
    "terms_text": later("terms"),
    "privacy_url": later("privacy address"),
    "redeem_until": later("redeem until"),
    "clawback_policy": later("what a refund takes back"),
    "void_window_hours": later("time to void"),
    "reward_valid_days": later("how long a reward is valid"),
    "adjust_approval_points": later("adjustments that need approval"),
    "point_value_cents": later("what a point is worth"),
    "convert_rate": later("rate of conversion"),
    "points_required": later("points it costs"),
    "discount_cents": later("discount"),
    "per_customer_limit": later("limit for each customer"),
    "tier_key": later("tier"),
    "valid_from": later("valid from"),
    "valid_until": later("valid until"),
    "stores": later("stores"),
}


def phrase_for(kind: str, verb: str) -> str:
    """Find the sentence of an act, with places for who, what and the rest."""
    return str(PHRASES.get(f"{kind}.{verb}") or PHRASES.get(verb) or UNKNOWN)


def channel_word(channel: str) -> str:
    """Say through which door somebody acted."""
    return str(CHANNELS.get(channel, channel))


def fields_word(names: list[str]) -> str:
    """Name the fields that were changed: price, name."""
    if not names:
        return _("details")
    return ", ".join(dict.fromkeys(str(FIELDS.get(name) or field_word(name)) for name in names))


def counts_word(counts: dict[str, Any]) -> str:
    """Say what became of the rows of an import: 12 new, 3 updated."""
    told = [str(words) % {"num": number(counts[key])} for key, words in OUTCOMES.items() if key in counts]
    return ", ".join(told) or _("nothing new")


def did(deed: str) -> ColumnElement[bool]:
    """Find the acts of one group of DEEDS."""
    verbs = DEEDS[deed][1]
    if verbs:
        return or_(*map(_is, verbs))
    return ~or_(*(_is(verb) for _, others in DEEDS.values() for verb in others))


def _is(verb: str) -> ColumnElement[bool]:
    return AuditEntry.action.endswith(f".{verb}", autoescape=True)
