"""Settings of the referrals service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from streaming.settings import PlatformSettings

PORT = 8102


class ReferralsSettings(PlatformSettings):
    """Read from the environment; built once per process and passed down."""

    referrals_database_url: str
    referrals_policy_dir: Path | None = Field(None, description="policy files in place of the shipped ones; all of them")
