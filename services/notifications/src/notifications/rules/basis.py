"""Voluntary or mandatory (rule appointment-basis): only a person makes an appointment mandatory."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from contracts.vocabulary import ContactBasis

Answer = Literal["accepted", "declined", "none"]
PERSONS = frozenset({"coach", "team_leader", "decision_maker"})


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """Where an offer stands. booked_on: the day it became binding, in London."""

    basis: ContactBasis
    wording: ContactBasis
    state: Literal["offered", "booked", "declined"]
    booked_on: date | None


def basis_in_force(asked: ContactBasis, set_by_role: str | None, *, voluntary_only: bool) -> ContactBasis:
    """Mandatory only when a person set it and no voluntary_only easement is active."""
    by_person = set_by_role is not None and set_by_role.replace("-", "_") in PERSONS
    return "mandatory" if asked == "mandatory" and by_person and not voluntary_only else "voluntary"


def booking(
    asked: ContactBasis,
    set_by_role: str | None,
    *,
    voluntary_only: bool,
    offered_on: date,
    answer: Answer,
    answered_on: date | None,
) -> Booking:
    """Voluntary: booked on acceptance only. Mandatory: booked when the notice goes out, whatever the answer."""
    basis = basis_in_force(asked, set_by_role, voluntary_only=voluntary_only)
    if basis == "mandatory":
        return Booking(basis=basis, wording=basis, state="booked", booked_on=offered_on)
    if answer == "accepted":
        return Booking(basis=basis, wording=basis, state="booked", booked_on=answered_on)
    return Booking(basis=basis, wording=basis, state="declined" if answer == "declined" else "offered", booked_on=None)
