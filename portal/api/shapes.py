"""What all calls share: what may be asked, and how rows and acts are told."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from portal.api.saying import Said

BIGGEST = 2**63 - 1
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"  # no control character
SPOKEN = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0\s][^\x00-\x1f\x7f-\x9f]*$"  # nor blanks alone
SLUG = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
CURSOR = r"^[A-Za-z0-9_-]+$"
VISIBLE = r"^[!-~]+$"
CURRENCY = "^[A-Z]{3}$"
COUNTRY = "^[A-Z]{2}$"
LOCALE = "^[a-z]{2}([-_][A-Z]{2})?$"
IN_WORDS = {  # what each pattern wants
    PLAIN: "Write it without control characters.",
    SPOKEN: "Write something that can be read, without control characters.",
    SLUG: "Use small letters a to z, digits and hyphens, with a letter or digit at both ends: cafe-gare.",
    CURSOR: "Take `next` of the page before.",
    VISIBLE: "Use letters, digits and signs of ASCII, without blanks.",
    CURRENCY: "Use the three capital letters of ISO 4217: EUR.",
    COUNTRY: "Use the two capital letters of ISO 3166: LU.",
    LOCALE: "Use a language, and a country if you like: fr, fr-LU.",
}

Id = Annotated[int, Field(ge=1, le=BIGGEST)]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=SPOKEN)]
Line = Annotated[str, Field(max_length=120, pattern=PLAIN)]
Code = Annotated[str, Field(min_length=1, max_length=63, pattern=SLUG)]
Kind = Literal["users", "merchants", "stores"]


class Asked(BaseModel):
    """What a program sends: no field that is not known, no value of another type."""

    model_config = ConfigDict(strict=True, extra="forbid")
    may_be_left_out: ClassVar[bool] = False


class Change(Asked):
    """What a PATCH sends: what is absent stays; null clears where the field says so."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Let every field be absent, which is not the same as null."""
        for field in cls.model_fields.values():
            field.default = None
        cls.model_rebuild(force=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Leave the defaults out of the document."""
        schema = handler.resolve_ref_schema(handler(core))
        for field in schema.get("properties", {}).values():
            field.pop("default", None)
        return schema

    @property
    def given(self) -> dict[str, Any]:
        """What was sent, and nothing else."""
        return self.model_dump(exclude_unset=True)


class Told(BaseModel):
    """What a program is told."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Page(Asked):
    """Which page of a list."""

    limit: int = Field(50, ge=1, le=200, description="How many at most.")
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        pattern=CURSOR,
        description="`next` of the page before.",
    )


class ListAsked(Page):
    """What a list is asked for."""

    q: str | None = Field(
        None, max_length=100, pattern=PLAIN, description="Each word occurs in a name or code."
    )
    include_deleted: bool = Field(default=False, description="Those in the trash too.")
    only_deleted: bool = Field(default=False, description="Only those in the trash.")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.include_deleted and self.only_deleted:
            raise Said(400, "contradiction", "Take either include_deleted or only_deleted.")
        return self


class DeadToo(Asked):
    """Whether one in the trash is told too."""

    include_deleted: bool = Field(default=False, description="Tell it also when it lies in the trash.")


class Why(Asked):
    """Why something is deleted."""

    reason: str | None = Field(
        None, max_length=500, pattern=PLAIN, description="Why, for the trash. No names: addresses are logged."
    )


class OnceKey(Asked):
    """The key by which a call sent twice is carried out once."""

    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=VISIBLE,
        description="The same key and body again answer what the first call made; kept for 30 days.",
    )


class Bringing(Asked):
    """How something is brought back."""

    may_be_left_out: ClassVar[bool] = True

    overrides: dict[Annotated[str, Field(max_length=200)], Annotated[str, Field(max_length=254)] | None] = (
        Field(
            default_factory=dict,
            max_length=50,
            description="New values for those that are taken: by the field's name, or by the `override` of a"
            " conflict. null clears.",
            examples=[{"store_code": "gare-2"}],
        )
    )
    with_owners: bool = Field(default=False, description="Bring back first what it belongs to.")


class Person(Told):
    """Somebody who did something; `id` is null for the operator at the command line."""

    id: int | None
    name: str | None


class Mortal(Told):
    """What is told of every row; the last three are null for the living."""

    id: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    deleted_by: Person | None
    deletion_id: int | None


class Twin(Told):
    """Something in the trash that had the same value: perhaps it was meant, and should come back."""

    kind: str
    id: int
    deletion_id: int


class KindCount(Told):
    """How many of one kind, with a few names."""

    kind: str
    count: int = Field(description="Counted up to 10,000.")
    and_more: bool = Field(description="Whether there are more than were counted.")
    examples: list[str]


class Holder(Told):
    """Who has the value now."""

    kind: str | None
    id: int | None
    label: str


class Taken(Told):
    """A value that a living one has."""

    field: str
    value: str
    holder: Holder
    override: str | None = Field(description="The name of a new value in `overrides`; null where none helps.")
    may_be_cleared: bool


class BlockedBy(Told):
    """What has to be brought back first."""

    kind: str
    id: int
    deletion_id: int
    label: str


class Brought(Told):
    """What a restore did."""

    kind: Kind
    id: int
    restored: bool = Field(description="false: it lived already, and this call changed nothing.")
    deletion_id: int | None
    deletions: list[int] = Field(description="The deletions undone, those of owners first.")
    counts: dict[str, int] = Field(description="How many of each kind came back, with all of them.")


class FieldFault(Told):
    """What is wrong with one field."""

    field: str
    message: str


class MerchantNamed(Told):
    """A merchant that the rule is about."""

    merchant_id: int
    name: str


def _is_nothing(value: Any) -> bool:
    return value is None


class Details(BaseModel):
    """What belongs to the error; only what there is."""

    model_config = ConfigDict(extra="forbid")

    fields: list[FieldFault] | None = Field(None, exclude_if=_is_nothing)
    conflicts: list[Taken] | None = Field(None, exclude_if=_is_nothing)
    blocked_by: BlockedBy | None = Field(None, exclude_if=_is_nothing)
    purged_at: datetime | None = Field(None, exclude_if=_is_nothing)
    merchants: list[MerchantNamed] | None = Field(None, exclude_if=_is_nothing)
    survivor_id: int | None = Field(None, exclude_if=_is_nothing)


class Error(Told):
    """An error: a code for programs, a sentence for people."""

    code: str
    message: str
    details: Details


class Foreseen(Told):
    """What deleting a living one would take, or restoring a dead one bring, and what would be refused."""

    act: Literal["delete", "restore"]
    deletion_id: int | None
    takes: list[KindCount] = Field(description="What would go with it, or come back.")
    stays: list[KindCount] = Field(description="What would stay: alive, or in the trash.")
    blocked_by: BlockedBy | None
    conflicts: list[Taken]
    refusals: list[Error] = Field(description="What the call would answer now, with an empty body.")


class ErrorAnswer(Told):
    """The one shape of every error."""

    error: Error
