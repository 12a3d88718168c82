"""Settings of the referrals service."""

from __future__ import annotations

from streaming.settings import PlatformSettings


class ReferralsSettings(PlatformSettings):
    """Read from the environment; built once in `main`."""

    referrals_database_url: str
