"""The fields a table may fill, and the names other programs give them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from portal.models.text import checked_email
from portal.services.imports.endings import cancelled, given_back, receipt_type, status
from portal.services.imports.values import flag, line_money, money, quantity, role


class Field(NamedTuple):
    """One field: other names for its column, and how its cells are read."""

    also: tuple[str, ...] = ()
    read: Callable[[str], Any] = str


Fields = Mapping[str, Field]
REF = ("ref", "external_id", "id")
STORE = Field(("store_code", "location", "outlet", "shop"))
# A row that lay in the trash when it was exported stays there.
DELETED = Field()

STORES: Fields = {
    "external_ref": Field((*REF, "store_id", "outlet_id", "sales_outlet_id")),
    "store_code": Field(("code", "outlet_code", "store_number")),
    "name": Field(("store_name", "outlet_name", "store", "shop")),
    "subdomain": Field(),
    "address": Field(("store_address", "street", "street_address", "address_line_1")),
    "postal_code": Field(("store_postal_code", "postcode", "zip", "zip_code")),
    "city": Field(("store_city", "town")),
    "country": Field(("store_country", "country_code")),
    "phone": Field(("store_phone", "store_telephone", "telephone", "tel", "phone_number")),
    "timezone": Field(("time_zone", "tz")),
    "deleted_at": DELETED,
}
TEAM: Fields = {
    "external_ref": Field((*REF, "staff_id", "employee_id", "personnel_number")),
    "store": STORE,
    "name": Field(("display_name", "full_name", "staff_name", "employee_name")),
    "first_name": Field(("firstname", "given_name", "forename")),
    "last_name": Field(("lastname", "family_name", "surname")),
    "email": Field(("e_mail", "mail", "email_address", "e_mail_address"), checked_email),
    "role": Field((), role),
    "position": Field(("job", "job_title")),
    "deleted_at": DELETED,
}
PRODUCTS: Fields = {
    "external_ref": Field((*REF, "product_id", "item_id")),
    "store": STORE,
    "sku": Field(("product_code", "item_code", "article_number")),
    "barcode": Field(("ean", "ean13", "gtin", "upc")),
    "name": Field(("product", "product_name", "item", "item_name", "title")),
    "category": Field(("product_category", "item_category")),
    "price": Field(
        ("retail_price", "current_retail_price", "unit_price", "selling_price", "product_price"),
        money,
    ),
    "earns_points": Field(("earns",), flag),
    "deleted_at": DELETED,
}
CUSTOMERS: Fields = {
    "external_ref": Field((*REF, "customer_id", "customer_ref", "member_id")),
    "name": Field(("display_name", "full_name", "customer_name", "customer")),
    "first_name": Field(("firstname", "given_name", "forename", "customer_first_name")),
    "last_name": Field(("lastname", "family_name", "surname", "customer_last_name")),
    "phone": Field(("phone_number", "mobile", "mobile_phone", "telephone", "tel", "customer_phone")),
    "email": Field(
        ("e_mail", "mail", "email_address", "e_mail_address", "customer_email"),
        checked_email,
    ),
    "birthday": Field(("birthdate", "birth_date", "date_of_birth", "dob")),
    "home_store": Field(("store", "home_store_id", "store_code", "home_location")),
    "card_number": Field(
        ("loyalty_card_number", "card_no", "legacy_number", "old_card_number", "membership_number"),
    ),
    "points": Field(("points_balance", "point_balance", "loyalty_points")),
    "stamps": Field(("stamps_balance", "stamp_balance")),
    "notes": Field(("note", "memo", "comment")),
    "deleted_at": DELETED,
}
ORDERS: Fields = {
    "number": Field(("transaction_id", "receipt_number", "receipt_no", "order_number", "order_id")),
    "store": Field((*STORE.also, "store_id", "location_id", "outlet_id", "sales_outlet_id")),
    "date": Field(("transaction_date", "order_date", "created_at", "occurred_at", "sold_at", "datetime")),
    "time": Field(("transaction_time", "order_time")),
    "time_zone": Field(("timezone", "tz")),
    "customer": Field(("customer_id", "customer_ref", "member_id")),
    "contact": Field(("customer_email", "customer_phone", "customer_contacts")),
    "staff": Field(("staff_id", "employee_id", "cashier_id", "sold_by_id")),
    "product": Field(("product_id", "item_id", "product_ref")),
    "sku": Field(("item_sku", "product_sku", "lineitem_sku", "product_code")),
    "name": Field(("product_name", "item", "item_name", "lineitem_name")),
    "quantity": Field(("qty", "lineitem_quantity"), quantity),
    "price": Field(("unit_price", "lineitem_price"), line_money),
    "discount": Field(("line_discount", "lineitem_discount"), line_money),
    "amount": Field(("line_item_amount", "line_amount", "line_total", "net_sales"), line_money),
    "receipt_type": Field(("event_type",), receipt_type),
    "sale_status": Field(("financial_status", "payment_status", "order_status", "receipt_status"), status),
    "cancelled_at": Field(("canceled_at", "voided_at"), cancelled),
    "refunded_amount": Field(("amount_refunded", "refund_amount"), given_back),
}
