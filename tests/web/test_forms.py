"""What a form does with a verb's refusal."""

import pytest
from wtforms import StringField

from portal.errors import Conflict, Refused
from portal.web.forms import Form


class NameForm(Form):
    name = StringField("Name")


@pytest.fixture
def form(app):
    with app.test_request_context(method="POST", data={"name": "Gare"}):
        yield NameForm()


def refusing(refusal):
    def verb():
        raise refusal

    return verb


def test_what_succeeds_is_handed_back(form):
    assert form.carry_out(list) == []


def test_a_refusal_stands_beside_its_field(form):
    assert form.carry_out(refusing(Refused("bad", "No good.", field="name"))) is None
    assert (form.status, form.name.errors, form.name.data) == (422, ["No good."], "Gare")


def test_a_conflict_is_a_409(form):
    assert form.carry_out(refusing(Conflict("taken", "Taken.", "Gare", field="name"))) is None
    assert (form.status, form.name.errors) == (409, ["Taken."])


def test_what_no_field_is_guilty_of_stands_above_the_form(form):
    assert form.carry_out(refusing(Refused("bad", "Not today.", field="moon"))) is None
    assert (form.status, form.form_errors) == (422, ["Not today."])


def test_a_roles_refusal_is_no_matter_of_a_form(form):
    with pytest.raises(Refused):
        form.carry_out(refusing(Refused("not_allowed", "Ask an owner.")))
