"""Settings of the referrals service."""

from __future__ import annotations

from streaming.settings import PlatformSettings

PORT = 8102


class ReferralsSettings(PlatformSettings):
    """Read from the environment; built once per process and passed down."""

    referrals_database_url: str
