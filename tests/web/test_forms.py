"""What a form does with a verb's refusal."""

import json
from types import SimpleNamespace

import pytest
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from portal.errors import Conflict, Refused
from portal.web.forms import ChangeForm, Form, at_most


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


class TwoFields(ChangeForm):
    name = StringField("Name")
    city = StringField("City")


def changing(app, seen, there, **typed):
    data = {"seen": json.dumps(seen)} | typed
    with app.test_request_context(method="POST", data=data):
        form = TwoFields(obj=SimpleNamespace(**there))
        form.carry_out(refusing(Refused("bad", "No good.", field="name")))
        return form.status, form.city.data, json.loads(form.seen)


def test_a_form_shown_again_before_it_was_tried_still_says_what_was_seen(app):
    seen = {"name": "A", "city": "B"}
    with app.test_request_context(method="POST", data={"seen": json.dumps(seen), "name": "X", "city": "B"}):
        assert json.loads(TwoFields(obj=SimpleNamespace(name="Theirs", city="Theirs")).seen) == seen


def test_a_refused_form_says_what_it_shows(app):
    seen = {"name": "A", "city": "B"}
    there = {"name": "A", "city": "B"}
    assert changing(app, seen, there, name="X", city="B") == (422, "B", seen)
    there = {"name": "A", "city": "Theirs"}
    assert changing(app, seen, there, name="X", city="B") == (422, "Theirs", there)
    there = {"name": "Theirs", "city": "B"}
    assert changing(app, seen, there, name="X", city="B") == (409, "B", there)


@pytest.mark.parametrize("seen", ["", "[]", "nonsense", '{"moon": "1"}'])
def test_without_what_was_seen_it_is_what_is_there(app, seen):
    with app.test_request_context(method="POST", data={"seen": seen, "name": "X"}):
        form = TwoFields(obj=SimpleNamespace(name="A", city="B"))
        assert json.loads(form.seen) == {"name": "A", "city": "B"}


class Choosing(Form):
    kind = RadioField("Kind")
    zone = SelectField("Zone")

    def __init__(self):
        super().__init__()
        self.kind.choices = [("a", "Apple"), ("b", "Pear")]
        self.zone.choices = [(str(n), str(n)) for n in range(9)]


def test_what_is_no_choice_is_told_with_the_choices(app):
    with app.test_request_context(method="POST", data={"kind": "x", "zone": "x"}):
        form = Choosing()
        assert form.carry_out(list) is None
        assert form.kind.errors == ["Choose one of these: Apple, Pear."]
        assert form.zone.errors == ["Choose one from the list."]


def test_a_choice_left_empty_is_told_in_our_words(app):
    class Asking(Choosing):
        why = SelectField("Why", [InputRequired("Say why.")])

        def __init__(self):
            super().__init__()
            self.why.choices = [("", "Choose"), ("a", "Apple")]

    with app.test_request_context(method="POST", data={"kind": "", "zone": "", "why": ""}):
        form = Asking()
        assert form.carry_out(list) is None
        assert form.kind.errors == ["Choose one of these: Apple, Pear."]
        assert form.zone.errors == ["Choose one from the list."]
        assert form.why.errors == ["Say why."]


def test_a_text_that_is_too_long_is_told_how_long_it_may_be(app):
    class Short(Form):
        name = StringField("Name", [at_most(3)])

    with app.test_request_context(method="POST", data={"name": "Gare"}):
        form = Short()
        assert form.carry_out(list) is None
        assert [str(error) for error in form.name.errors] == ["Write at most 3 letters."]
