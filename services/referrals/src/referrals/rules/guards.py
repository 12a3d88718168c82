"""What stops a contact flag, at the steps each guard names. A guard suppresses; it never raises contact."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from referrals.rules.contact_limits import cap_reached, recently_contacted
from referrals.rules.rule_set import Guard, Parameters, Rule, Step

ContactBasis = Literal["voluntary", "mandatory"]

_EVERY_CONTACT_RULE = frozenset(
    {"guard-not-contactable", "guard-no-requirements", "guard-recent-contact", "guard-open-case", "guard-burden-cap"}
)
_SELF_EMPLOYED_FAMILIES = frozenset({"fall", "end"})


class EasementEffect(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of an easement, never its story. until: last day; contact is allowed again from `no_contact_until` on."""

    from_: date
    until: date | None = None
    no_contact_until: date | None = None
    voluntary_only: bool = False

    def forbids(self, on: date, basis: ContactBasis) -> bool:
        """No contact on that day, or no mandatory one."""
        if on < self.from_:
            return False
        if self.no_contact_until is not None and on < self.no_contact_until:
            return True
        return basis == "mandatory" and self.voluntary_only and (self.until is None or on <= self.until)

    def review_on(self) -> date | None:
        """The day after its last day: a review task for the coach and nothing else."""
        return None if self.until is None else date.fromordinal(self.until.toordinal() + 1)


class GuardFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the guards look at, by value, as known when they are judged.

    stops: dead, suspended, closed or erased, whatever date the fact bears. contacts: days, oldest first.
    """

    stops: tuple[str, ...] = ()
    legal_group: str | None = None
    easements: tuple[EasementEffect, ...] = ()
    disputed: bool = False
    self_employed: bool = False
    strike: bool = False
    contacts: tuple[date, ...] = ()
    open_case: str | None = None
    basis: ContactBasis = "voluntary"
    cap_overridden: bool = False


def applies(guard: str, rule: Rule) -> bool:
    """Does the guard concern the rule at all?"""
    if guard in _EVERY_CONTACT_RULE or guard in rule.exclusions:
        return True
    return guard == "guard-self-employed" and rule.family in _SELF_EMPLOYED_FAMILIES


def stops(guard: str, facts: GuardFacts, as_of: date, parameters: Parameters, basis: ContactBasis = "voluntary") -> bool:
    """Is the guard's condition met on that day?"""
    match guard:
        case "guard-not-contactable":
            return bool(facts.stops)
        case "guard-no-requirements":
            return facts.legal_group == "no_requirements"
        case "guard-easement":
            return any(easement.forbids(as_of, basis) for easement in facts.easements)
        case "guard-dispute":
            return facts.disputed
        case "guard-self-employed":
            return facts.self_employed
        case "guard-strike-absence":
            return facts.strike
        case "guard-recent-contact":
            return recently_contacted(facts.contacts, as_of, parameters)
        case "guard-burden-cap":
            return not facts.cap_overridden and cap_reached(facts.contacts, as_of, parameters.claimant_cap)
        case "guard-open-case":
            return facts.open_case is not None
        case _:
            raise ValueError("unknown guard")


def first_stop(
    step: Step,
    rule: Rule,
    facts: GuardFacts,
    as_of: date,
    *,
    guards: dict[str, Guard],
    order: tuple[str, ...],
    parameters: Parameters,
) -> str | None:
    """The first guard in the policy's order that stops the rule at this step, or None.

    guard-open-case at display is an answer of its own: the flag is appended to the open case.
    """
    # A flag proposes voluntary contact; only what is sent can be mandatory.
    basis: ContactBasis = facts.basis if step == "send" else "voluntary"
    for guard in order:
        if step in guards[guard].steps and applies(guard, rule) and stops(guard, facts, as_of, parameters, basis):
            return guard
    return None
