"""What an experiment does to one person: an arm is drawn when they come into scope, noted as exposure at the moment a flag
would be shown, and kept: nothing of a holdout arm is ever shown while its experiment runs."""

from __future__ import annotations

import msgspec

from contracts import referrals as events
from referrals.desk import Desk
from referrals.inputs import in_scope
from referrals.model import Person
from referrals.rules.history import Ap
from referrals.rules.trials import Allotment, Experiment, Trait, draw

HOLDOUT = "holdout"
replace = msgspec.structs.replace


def allot(desk: Desk, claimant_id: str, ap: Ap) -> None:
    """Draw the person's arm of the experiment that runs today, once, whatever they are flagged for."""
    experiment = _running(desk)
    period = desk.doc.periods.get(ap.period_id)
    if experiment is None or period is None or period.backfill or not in_scope(desk.doc, claimant_id, ap.end):
        return
    person = desk.person(claimant_id)
    if _of(person, experiment) is not None:
        return
    stratum = stratum_of(desk, claimant_id, experiment.strata)
    arm = draw(experiment, claimant_id, stratum)
    made = Allotment(experiment=experiment.id, arm=arm.name, stratum=stratum, on=desk.today)
    desk.keep(replace(person, arm=arm.name, allotments=(*person.allotments, made)))
    _tell(desk, claimant_id, made, events.ArmAssigned)


def keeps_back(desk: Desk, claimant_id: str) -> bool:
    """A flag is about to be shown: note the exposure first. True: the person is held out, and it must not be shown."""
    experiment = _running(desk)
    person = desk.person(claimant_id)
    known = _of(person, experiment) if experiment is not None else None
    if experiment is None or known is None:
        return False
    if known.exposed_at is None:
        exposed = replace(known, exposed_at=desk.work.now)
        others = tuple(exposed if allotment is known else allotment for allotment in person.allotments)
        desk.keep(replace(person, allotments=others))
        _tell(desk, claimant_id, exposed, events.ArmExposed)
    arm = experiment.arm(known.arm)
    return arm is not None and arm.holdout


def must_not_show(desk: Desk, person: Person) -> bool:
    """Whether showing a flag now would break the experiment: a holdout, or an exposure that nobody noted."""
    experiment = _running(desk)
    known = _of(person, experiment) if experiment is not None else None
    if experiment is None or known is None:
        return False
    arm = experiment.arm(known.arm)
    return known.exposed_at is None or (arm is not None and arm.holdout)


def stratum_of(desk: Desk, claimant_id: str, traits: tuple[Trait, ...]) -> str:
    """Upstream's stratum for the person, or their traits joined; `all` without any."""
    member, claim = desk.doc.member(claimant_id), desk.doc.claim
    if member is None or claim is None:
        return "all"
    if member.arm_stratum is not None:
        return member.arm_stratum
    values: dict[Trait, str | None] = {
        "jurisdiction": claim.jurisdiction,
        "couple": "couple" if claim.couple else "single",
        "office": member.office_id,
        "work_group": member.work_group,
        "self_employed": "self_employed" if member.self_employed else "employed",
    }
    return "/".join(values[trait] or "unknown" for trait in traits) or "all"


def _running(desk: Desk) -> Experiment | None:
    return next((experiment for experiment in desk.setup.experiments if experiment.runs(desk.today)), None)


def _of(person: Person, experiment: Experiment) -> Allotment | None:
    return next((allotment for allotment in person.allotments if allotment.experiment == experiment.id), None)


def _tell(desk: Desk, claimant_id: str, about: Allotment, event: type[events.ArmAssigned]) -> None:
    desk.emit_outcome(
        event(
            claim_id=desk.claim_id,
            claimant_id=claimant_id,
            experiment=about.experiment,
            arm=about.arm,
            stratum=about.stratum,
        ),
        claimant_id,
    )
