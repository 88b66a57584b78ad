"""One example of each shape, for the document; each fits the shape it shows."""

from typing import Any

MOMENT = "2026-03-14T09:30:00Z"
LIVING: dict[str, Any] = {
    "id": 3,
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "deleted_at": None,
    "deleted_by": None,
    "deletion_id": None,
}
STORE = {
    "merchant_id": 3,
    "name": "Gare",
    "store_code": "gare",
    "subdomain": "cafe-gare",
    "address": "1 place de la Gare",
    "city": "Luxembourg",
    "postal_code": "1616",
    "country": "LU",
    "phone": "+352 621 123 456",
    "timezone": None,
    "external_ref": "8",
}
PLACE = {"timezone": "Europe/Luxembourg", "currency": "EUR", "country": "LU", "locale": "fr-LU"}
USER = {"display_name": "Ana Weber", "email": "ana@example.com", "username": None}
MERCHANT = {"name": "Café Lumière", "subdomain": "cafe-lumiere"}
COUNTED = {"and_more": False, "examples": ["Espresso", "Croissant", "Tarte"]}

EXAMPLES: dict[str, Any] = {
    "NewUser": {**USER, "password": "three warm croissants"},
    "UserChange": {"display_name": "Ana Weber-Klein", "is_platform_admin": False},
    "UserTold": {**LIVING, **USER, "is_platform_admin": False, "can_sign_in": True},
    "NewMerchant": {**MERCHANT, "owner": 3, **PLACE, "retention_days": 30},
    "MerchantChange": {"retention_days": 90},
    "MerchantTold": {**LIVING, **MERCHANT, "owner_ids": [3], **PLACE, "retention_days": 30},
    "NewStore": STORE,
    "StoreChange": {"phone": None, "city": "Luxembourg"},
    "StoreTold": {**LIVING, **STORE},
    "Bringing": {"overrides": {"store_code": "gare-2"}, "with_owners": True},
    "Brought": {
        "kind": "stores",
        "id": 3,
        "restored": True,
        "deletion_id": 31,
        "deletions": [31],
        "counts": {"stores": 1, "products": 12, "store_users": 4},
    },
    "Foreseen": {
        "act": "delete",
        "deletion_id": None,
        "takes": [{"kind": "products", "count": 12, **COUNTED}],
        "stays": [{"kind": "orders", "count": 1204, "and_more": False, "examples": []}],
        "blocked_by": None,
        "conflicts": [],
        "refusals": [],
    },
    "DeletionTold": {
        "id": 31,
        "merchant_id": 3,
        "parent_id": None,
        "root": {"kind": "stores", "id": 3, "label": "Gare"},
        "status": "done",
        "counts": {"stores": 1, "products": 12, "store_users": 4},
        "parts": [],
        "deleted_at": MOMENT,
        "deleted_by": {"id": 1, "name": "Robin", "role": "admin"},
        "reason": "closed",
        "channel": "api",
        "restorable": True,
        "restorable_until": "2026-04-13T09:30:00Z",
        "on_hold": False,
        "restored_at": None,
        "restored_by": None,
        "purged_at": None,
    },
    "ErrorAnswer": {
        "error": {
            "code": "value_taken",
            "message": "The store code “gare” of store Gare is taken now by store Gare neuve.",
            "details": {
                "conflicts": [
                    {
                        "field": "store_code",
                        "value": "gare",
                        "holder": {"kind": "stores", "id": 9, "label": "store Gare neuve"},
                        "override": "stores-3-store_code",
                        "may_be_cleared": False,
                    }
                ]
            },
        }
    },
}
