"""Reads the policy numbers of this service from its YAML file; done once, in `main`."""

from __future__ import annotations

from importlib.resources import files

import yaml

from employer_link.model import Policy


def load() -> Policy:
    """policy/employer-contact.yaml. Raises KeyError or TypeError when a number is missing."""
    data = yaml.safe_load((files("employer_link.policy") / "employer-contact.yaml").read_text())
    steps = {name: days for name, days in data["steps"].items() if name != "source"}
    return Policy(
        cap_contacts=data["burden_cap"]["contacts"],
        cap_days=data["burden_cap"]["days"],
        consent_max_days=data["consent"]["max_days"],
        overdue_days=data["overdue_days"],
        **steps,
    )
