"""Fields that several answers share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Sentences = Annotated[list[str], Field(description="Sentences in English that a coach can read out")]
Frequency = Annotated[str, Field(description="HMRC's code of the pay frequency, such as M1")]
Rule = Annotated[str, Field(description="Name of the rule that placed the payment")]
Reason = Annotated[str, Field(description="The rule in a sentence")]
