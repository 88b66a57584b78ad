"""How people are asked for and told."""

from typing import Annotated

from pydantic import Field

from portal.api.shapes import Asked, Change, Code, Mortal, Name, Told, Twin

Email = Annotated[
    str,
    Field(min_length=3, max_length=254, json_schema_extra={"format": "email"}, examples=["ana@example.com"]),
]
Username = Annotated[Code, Field(examples=["ana-weber"])]


class NewUser(Asked):
    """A person to add; whoever shall sign in has an e-mail address or username, and a password."""

    display_name: Name = Field(examples=["Ana Weber"])
    email: Email | None = None
    username: Username | None = None
    password: str | None = Field(
        None,
        min_length=8,
        max_length=128,
        description="Never told again. Three or four words are a good one.",
    )
    is_platform_admin: bool = False


class UserChange(Change):
    """What to change of a person."""

    display_name: Name = Field(default=...)
    email: Email | None = Field(None, description="null: none; a person who signs in keeps one of the two.")
    username: Username | None = Field(None, description="null: none.")
    is_platform_admin: bool = Field(default=...)


class UserTold(Mortal):
    """A person."""

    display_name: str
    email: str | None
    username: str | None
    is_platform_admin: bool
    can_sign_in: bool


class UserMade(UserTold):
    """A user just made."""

    deleted_twin: Twin | None = Field(description="What lies in the trash and had a value it has now.")


class UserPage(Told):
    """A page of people, in the order of their ids."""

    items: list[UserTold]
    next: str | None
