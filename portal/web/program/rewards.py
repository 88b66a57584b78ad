"""The doors of rewards: see them in their order, add, change, move, delete."""

from typing import Any

from flask import Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.extensions import db
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.services import programs, rewards
from portal.web.access import allow
from portal.web.page import done, page
from portal.web.program import shown, told
from portal.web.program.forms import RewardRulesForm
from portal.web.program.reward_form import RewardForm
from portal.web.program.routes import bp
from portal.web.program.tabs import said
from portal.web.removal import asked_reason, find_living, removed, show_preview
from portal.web.scope import actor, current_merchant, now
from portal.words import _

STEPS = {"up": -1, "down": 1}


@bp.get("/program/rewards/", endpoint="rewards")
@allow("manager")
def rewards_list() -> Response | AnyResponse:
    """List the rewards in their order."""
    program = shown.living()
    return _listed(program) if program else shown.to_the_start()


@bp.get("/program/rewards/new")
@allow("owner")
def new_reward() -> Response | AnyResponse:
    """Ask for a new reward."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    return _ask("program/reward_new.html", RewardForm.of(program))


@bp.post("/program/rewards/")
@allow("owner")
def create_reward() -> Response | AnyResponse:
    """Offer a new reward."""
    program = shown.to_change()
    form = RewardForm.of(program)
    added = form.carry_out(lambda: rewards.add_reward(program, by=actor(), **form.details()))
    if added is None:
        return _ask("program/reward_new.html", form)
    db.session.commit()
    return _back(_("Added %(name)s.", name=added.name))


@bp.get("/program/rewards/<int:reward_id>/edit")
@allow("owner")
def edit_reward(reward_id: int) -> Response:
    """Show the reward to be changed."""
    reward = find_living(LoyaltyReward, reward_id)
    return _ask("program/reward_edit.html", RewardForm.of(reward.program, reward), reward=reward)


@bp.post("/program/rewards/<int:reward_id>")
@allow("owner")
def update_reward(reward_id: int) -> Response | AnyResponse:
    """Change the reward."""
    reward = _held(reward_id)
    form = RewardForm.of(reward.program, reward)
    if form.carry_out(lambda: rewards.change_reward(reward, by=actor(), **form.details())) is None:
        return _ask("program/reward_edit.html", form, reward=reward)
    db.session.commit()
    return _back(_("Saved %(name)s.", name=reward.name))


@bp.get("/program/rewards/<int:reward_id>", endpoint="back_to_list")
@bp.get("/program/rewards/<int:reward_id>/position", endpoint="back_to_list")
@allow("owner")
def back_to_list(reward_id: int) -> AnyResponse:
    """Lead from where a reward is saved or moved, which a refusal leaves in the bar, to the list."""
    find_living(LoyaltyReward, reward_id)
    return redirect(url_for("program.rewards"))


@bp.post("/program/rewards/<int:reward_id>/position")
@allow("owner")
def move_reward(reward_id: int) -> Response | AnyResponse:
    """Move the reward up or down; the list comes back, the button keeps the focus."""
    steps = STEPS.get(request.form.get("direction", ""))
    reward = _held(reward_id)
    if steps is None:
        abort(422)
    rewards.move_reward(reward, steps=steps, by=actor())
    db.session.commit()
    place = [each.id for each in db.session.scalars(rewards.rewards_of(reward.program))].index(reward_id) + 1
    return _back(_("%(name)s is number %(place)s now.", name=reward.name, place=place))


@bp.get("/program/rewards/<int:reward_id>/deletion")
@allow("owner")
def preview_reward_deletion(reward_id: int) -> Response:
    """Show what deleting the reward would take."""
    return show_preview(
        find_living(LoyaltyReward, reward_id),
        action=url_for("program.delete_reward", reward_id=reward_id),
        cancel_href=url_for("program.rewards"),
        list_href=url_for("program.rewards"),
        stays=[_("What members were promised or took already")],
    )


@bp.post("/program/rewards/<int:reward_id>/deletion")
@allow("owner")
def delete_reward(reward_id: int) -> Response | AnyResponse:
    """Put the reward in the trash."""
    reward = _held(reward_id)
    name = _("the reward %(name)s", name=reward.name)
    act = rewards.delete_reward(reward, by=actor(), now=now(), reason=asked_reason())
    db.session.commit()
    return removed(act, name, to=url_for("program.rewards"))


@bp.get("/program/rewards/rules")
@allow("owner")
def reward_rules() -> Response | AnyResponse:
    """Ask what holds for all rewards."""
    program = shown.living()
    if program is None:
        return shown.to_the_start()
    return page("program/reward_rules.html", form=RewardRulesForm.of(program))


@bp.post("/program/rewards/rules")
@allow("owner")
def save_reward_rules() -> Response | AnyResponse:
    """Save what holds for all rewards."""
    program = shown.to_change()
    form = RewardRulesForm.of(program)
    changed = form.carry_out(
        lambda: programs.change_program(program, by=actor(), now=now(), **form.details())
    )
    if changed is None:
        return page("program/reward_rules.html", form.status, form=form)
    db.session.commit()
    return _back(said(changed, program))


def _listed(program: LoyaltyProgram) -> Response:
    listed = db.session.scalars(rewards.rewards_of(program)).all()
    tiers = {tier["key"]: tier["name"] for tier in program.tier_config}
    around = shown.around(program, "rewards") | {"reward_words": told.reward_words}
    stores = rewards.stores_of(program)
    return page("program/rewards.html", rewards=listed, tiers=tiers, stores=stores, **around)


def _ask(template: str, form: RewardForm, **more: Any) -> Response:
    return page(template, form.status, form=form, currency=current_merchant().currency, **more)


def _held(reward_id: int) -> LoyaltyReward:
    """Find a living reward, once nobody else is changing the program."""
    find_living(LoyaltyReward, reward_id)
    shown.to_change()
    return find_living(LoyaltyReward, reward_id)


def _back(message: str) -> Response | AnyResponse:
    return done(message, to=url_for("program.rewards"))
