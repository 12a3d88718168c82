"""A rule file as it must not be: the linter has to refuse each of the four calls."""

import random
from datetime import date, datetime
from uuid import uuid4


def decide() -> tuple[datetime, date, str, float]:
    return datetime.now(), date.today(), str(uuid4()), random.random()
