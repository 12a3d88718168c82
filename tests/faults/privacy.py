"""I9: nothing about people in any log, and nobody reads what is another's, also not while things break."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devstack.demo.cast import Cast
from streaming.records import Root
from world.model import World

NINO = re.compile(rb"\bQQ ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
ADDRESS = re.compile(rb"[\w.+-]+@[\w-]+\.[\w.]+")
STRANGERS = 3
REFUSED = (403, 404, 410)


class Logs:
    """Reads on in every log of a folder and looks for people of the world."""

    def __init__(self, folder: Path, world: World) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        names = {f"{person.first_name} {person.last_name}".encode() for person in world.persons.values()}
        self._names = re.compile(b"|".join(re.escape(name) for name in sorted(names)))
        self.found: list[str] = []

    def personal(self) -> list[str]:
        """All finds so far; without the data itself."""
        for path in sorted(self._folder.glob("*.log")):
            with path.open("rb") as log:
                log.seek(self._read.get(path, 0))
                fresh = log.read()
                self._read[path] = log.tell()
            for what, pattern in (("a NINO", NINO), ("an address", ADDRESS), ("a name", self._names)):
                count = len(pattern.findall(fresh))
                if count:
                    self.found.append(f"{path.stem}: {what}, {count} times, before byte {self._read[path]}")
        return self.found


def strangers(cast: Cast, docs: Mapping[Root, Any]) -> Iterator[str]:
    """Some employers and claimants try to read each other's records. docs: of employer-link."""
    claims = [doc for (kind, _), doc in docs.items() if kind == "claim"]
    engagements = [engagement for claim in claims for engagement in claim.engagements.values()]
    living = {key for claim in claims for key, consent in claim.consents.items() if consent.state == "live"}
    hidden = {engagement.engagement_id for engagement in engagements if engagement.consent_id not in living}
    for number in range(min(STRANGERS, len(cast.people.employers))):
        caller = cast.employer(cast.people.employers[number].paye_reference)
        own = {item["engagement_id"] for item in caller.items("employer_link", "/v1/employer/engagements")}
        yield from (f"an employer is shown {one}, for which no consent lives" for one in sorted(own & hidden))
        for other in [one.engagement_id for one in engagements if one.engagement_id not in own][:STRANGERS]:
            status = caller.get("employer_link", f"/v1/employer/engagements/{other}").status
            if status not in REFUSED:
                yield f"an employer read another's engagement {other}: {status}"
    people = cast.people.claimants
    for one, other in zip(people[:STRANGERS], people[STRANGERS : 2 * STRANGERS], strict=False):
        if one.claim_id == other.claim_id:
            continue
        answer = cast.claimant(one.claimant_id).get("notifications", f"/v1/appointments?claimant={other.claimant_id}")
        if answer.status not in REFUSED and (not answer.ok or answer.body["items"]):
            yield f"a claimant read another's appointments: {answer.status}"
