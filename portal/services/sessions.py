"""Keeping people signed in, and ending it."""

from datetime import datetime

from sqlalchemy import select, update

from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.login_session import LoginSession
from portal.models.merchant import MerchantOwner
from portal.models.store_user import StoreUser


def end_for_deletion(act: Deletion, *, now: datetime) -> None:
    """Sign out everybody whom the deletion put out; a restore never signs them in again."""
    dead_too = {"include_deleted": True}
    put_out: set[int] = {act.root_id} if act.root_kind == "users" else set()
    for model in (StoreUser, MerchantOwner):
        if model.__tablename__ in act.counts:
            fallen = (model.merchant_id == act.merchant_id, model.deletion_id == act.id)
            put_out.update(
                db.session.scalars(select(model.user_id).where(*fallen), execution_options=dead_too)
            )
    end_for_people(put_out, why="removed", now=now)


def end_for_people(user_ids: set[int], *, why: str, now: datetime) -> None:
    """Sign these people out everywhere, from their next request on."""
    if user_ids:
        still_in = (LoginSession.user_id.in_(user_ids), LoginSession.ended_at.is_(None))
        db.session.execute(
            update(LoginSession).where(*still_in).values(ended_at=now, ended_why=why),
            execution_options={"synchronize_session": False},
        )


