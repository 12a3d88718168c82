"""Reads and checks the support policy that ships with the package."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.vocabulary import Jurisdiction
from referrals.policy_files import Value
from referrals.rules.dated import Dated, Entry
from referrals.rules.support import Catalogue, SupportType


class _Type(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    helps: list[str] = Field(min_length=1)
    suits: list[str] = []
    nations: list[Jurisdiction] = []
    mandatory: bool = False
    alternatives_first: bool = False
    open: list[Value[bool]] = Field(min_length=1)


class SupportFile(BaseModel):
    """`policy/support.yaml`. Every barrier and kind that is named must be listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal["policy/1"] = Field(alias="schema")
    topic: Literal["support"]
    barriers: list[str]
    many_barriers: int = Field(ge=1)
    kinds: dict[str, str]
    types: dict[str, _Type]
    funds: dict[str, list[str]]

    @model_validator(mode="after")
    def _names_are_known(self) -> SupportFile:
        named = [*(kind.helps for kind in self.types.values()), *self.funds.values()]
        unknown = sorted({code for codes in named for code in codes} - set(self.barriers))
        unknown += sorted({code for kind in self.types.values() for code in kind.suits} - self.kinds.keys())
        if unknown:
            raise ValueError(f"not listed: {', '.join(unknown)}")
        return self


def build(text: str) -> Catalogue:
    """Validate the file and build the catalogue. Raises pydantic.ValidationError, ValueError."""
    file = SupportFile.model_validate(yaml.safe_load(text))
    return Catalogue(
        barriers=tuple(file.barriers),
        many_barriers=file.many_barriers,
        kinds=file.kinds,
        types={name: _type(name, kind) for name, kind in file.types.items()},
        funds={purpose: tuple(codes) for purpose, codes in file.funds.items()},
    )


def _type(name: str, kind: _Type) -> SupportType:
    entries = tuple(Entry(value.from_, value.value, value.until) for value in kind.open)
    return SupportType(
        id=name,
        title=kind.title,
        helps=tuple(kind.helps),
        suits=tuple(kind.suits),
        nations=tuple(kind.nations),
        mandatory=kind.mandatory,
        alternatives_first=kind.alternatives_first,
        open=Dated(name, entries),
    )


@cache
def catalogue() -> Catalogue:
    """The policy that ships with the package."""
    return build(resources.files("referrals").joinpath("policy", "support.yaml").read_text(encoding="utf-8"))
