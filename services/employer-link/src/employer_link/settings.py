"""The service's settings."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from streaming.settings import PlatformSettings


class Settings(PlatformSettings):
    """EMPLOYER_LINK_DATABASE_URL, where names are looked up, and where webhooks may go."""

    employer_link_database_url: str
    earnings_url: str = Field(description="base address of the earnings API; names and payroll ids are looked up there")
    employer_link_client_id: str = Field(description="this service's own OAuth client, allowed profiles:read")
    employer_link_client_secret: SecretStr
    webhook_allowed_hosts: str = Field(
        "", description="host:port[,…] that webhooks may reach although they are private; local and test only"
    )
    webhook_timeout_s: float = Field(10.0, gt=0, description="for one webhook message, from its name's look-up to its answer")

    @model_validator(mode="after")
    def production_sends_only_outside(self) -> Self:
        """Production has no private webhook targets and speaks TLS with earnings."""
        if self.environment == "production":
            if self.webhook_allowed_hosts:
                raise ValueError("WEBHOOK_ALLOWED_HOSTS is for local use and tests")
            if not self.earnings_url.startswith("https://"):
                raise ValueError("EARNINGS_URL must be an https address in production")
        return self

    @property
    def private_targets(self) -> frozenset[str]:
        """host:port pairs that the guard lets through."""
        return frozenset(part.strip() for part in self.webhook_allowed_hosts.split(",") if part.strip())
