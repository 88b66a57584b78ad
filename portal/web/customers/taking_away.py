"""The doors by which an owner hands a person all that is kept about them."""

from flask import Response

from portal.models.customer import Customer
from portal.services import personal_records
from portal.web.access import allow
from portal.web.answers import never_store
from portal.web.customers.routes import bp
from portal.web.listing import csv_file
from portal.web.removal import find_living
from portal.web.scope import current_merchant


@bp.get("/<int:customer_id>/export.json")
@allow("owner")
def export_person(customer_id: int) -> Response:
    """Hand out all that is kept about the person, for programs."""
    records = personal_records.records_of(find_living(Customer, customer_id))
    answer = Response(personal_records.as_json(records), content_type="application/json; charset=utf-8")
    name = f"{current_merchant().subdomain}-customer-{customer_id}.json"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return never_store(answer)


@bp.get("/<int:customer_id>/export.csv")
@allow("owner")
def export_person_table(customer_id: int) -> Response:
    """Hand out the same as a table."""
    records = personal_records.records_of(find_living(Customer, customer_id))
    name = f"{current_merchant().subdomain}-customer-{customer_id}"
    return csv_file(personal_records.as_rows(records), name)
