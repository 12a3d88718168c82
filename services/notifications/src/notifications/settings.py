"""Settings of the service, from the environment; frozen, without default secrets."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from pydantic import Field, SecretStr, model_validator

from streaming.settings import PlatformSettings

DEV_NOTIFY_MARK = "dev"
DEV_BEARER_MARK = "dev-"
NAME = "notifications"
PORT = 8103


class Settings(PlatformSettings):
    """notify_template_*: the provider's pass-through templates, whose only fields are `subject` and `body`."""

    notifications_database_url: str
    notify_api_key: SecretStr
    notify_base_url: str = "https://api.notifications.service.gov.uk"
    notify_receipts_token: SecretStr
    notify_template_email: UUID = UUID("3f0f6b2a-0a53-4f4e-8d0d-6b1e5a7c1e01")
    notify_template_sms: UUID = UUID("3f0f6b2a-0a53-4f4e-8d0d-6b1e5a7c1e02")
    notify_template_letter: UUID = UUID("3f0f6b2a-0a53-4f4e-8d0d-6b1e5a7c1e03")
    notify_timeout_s: float = Field(10.0, gt=0, description="of one call to the provider")
    notify_settle_s: float = Field(
        60.0, gt=0, description="after a time-out: longer than the provider needs to show what it accepted"
    )
    sender_threads: int = Field(4, ge=1, le=64)
    sender_lease_s: float = Field(30.0, gt=0, description="must be longer than one call to the provider")
    sender_brake_lag: int = Field(2000, ge=1, description="records not consumed yet at which nothing is sent")
    crash_at: str = Field("", description="fault tests: die at this named point")

    @model_validator(mode="after")
    def lease_outlasts_a_call(self) -> Self:
        """A lease that ends during a call would let another sender begin the same message."""
        if self.sender_lease_s < 2 * self.notify_timeout_s:
            raise ValueError("SENDER_LEASE_S must be at least twice NOTIFY_TIMEOUT_S")
        return self

    @model_validator(mode="after")
    def production_sends_for_real(self) -> Self:
        """Production refuses the sandbox's key, addresses and crash points."""
        if self.environment == "production":
            if self.notify_api_key.get_secret_value().startswith(DEV_NOTIFY_MARK):
                raise ValueError("NOTIFY_API_KEY is a development key")
            if not self.notify_base_url.startswith("https://"):
                raise ValueError("NOTIFY_BASE_URL must be an https address in production")
            if self.notify_receipts_token.get_secret_value().startswith(DEV_BEARER_MARK):
                raise ValueError("NOTIFY_RECEIPTS_TOKEN is a development token")
            if self.crash_at:
                raise ValueError("CRASH_AT is for fault tests only")
        return self
