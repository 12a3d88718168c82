"""The released texts, read from this package's files, and the words that fill them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import msgspec
import yaml

from contracts.vocabulary import PreferredLanguage
from notifications.rules.templates import Template, Words

_NAME = re.compile(r"(?P<template>[a-z-]+)\.v(?P<version>\d+)\.yaml")


class BadTemplate(Exception):
    """A text file is incomplete: the message names the file and what it lacks."""


def read(name: str, text: str) -> Template:
    """One template file. Raises BadTemplate, for example when the Welsh text is missing."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadTemplate(f"{name}: name a text `<template>.v<version>.yaml`")
    try:
        template = msgspec.convert(yaml.safe_load(text), Template)
    except msgspec.ValidationError as error:
        raise BadTemplate(f"{name}: {error}") from error
    if (template.template, template.version) != (match["template"], int(match["version"])):
        raise BadTemplate(f"{name}: the file says {template.template} version {template.version}")
    for part in ("subject", "body"):
        if not getattr(template.cy, part).strip():
            raise BadTemplate(f"{name}: the Welsh {part} is empty")
    if template.en.items.keys() != template.cy.items.keys() or (template.en.sms is None) != (template.cy.sms is None):
        raise BadTemplate(f"{name}: English and Welsh do not have the same parts")
    return template


def _files() -> dict[str, str]:
    here = resources.files(__name__)
    return {file.name: file.read_text(encoding="utf-8") for file in here.iterdir() if file.name.endswith(".yaml")}


@cache
def templates() -> Mapping[tuple[str, int], Template]:
    """Every released version of every template."""
    found = [read(name, text) for name, text in sorted(_files().items()) if name != "words.yaml"]
    return MappingProxyType({(template.template, template.version): template for template in found})


@cache
def newest(name: str) -> Template:
    """The version to use for new messages. Raises KeyError."""
    return max((found for (template, _), found in templates().items() if template == name), key=lambda found: found.version)


@cache
def words() -> Words:
    """The words that fill the templates. Raises BadTemplate when one lacks a language."""
    raw: Any = yaml.safe_load(_files()["words.yaml"])
    found = msgspec.convert(raw, Words)
    both: list[Mapping[PreferredLanguage, Any]] = [found.months, found.weekdays, found.office_unnamed]
    both += [*found.places.values(), *found.purposes.values(), *found.labels.values()]
    for entry in both:
        if not (entry.get("en") and entry.get("cy")):
            raise BadTemplate("words.yaml: an entry lacks English or Welsh")
    return found
