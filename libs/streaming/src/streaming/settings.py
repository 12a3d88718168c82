"""Settings every process has. A service adds its own by subclassing; built once in `main`, passed down, frozen."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

DEV_KEY_MARK = "ZGV2"  # base64 of "dev": keys made for local use start with it


class PlatformSettings(BaseSettings):
    """Read from the environment; there are no default secrets.

    Errors: pydantic's ValidationError names the variable that is missing or wrong.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["local", "test", "production"]
    platform_clock: Literal["wall", "topic"] = "wall"
    kafka_bootstrap_servers: str
    field_key: SecretStr
    oidc_issuer: str
    partitions: int = Field(12, ge=1, le=1000)
    metrics_port: int = Field(0, ge=0, le=65535, description="0: any free port")
    lanes: int = Field(1, ge=1, le=16, description="transactions in flight per worker; about one per core over all workers")
    merge_cap: int = Field(2000, ge=1, description="records merged into one transaction at most")
    fetch_max_bytes: int = Field(1 << 20, ge=1 << 14)
    fetch_max_wait_ms: int = Field(25, ge=1)
    session_timeout_s: float = Field(10.0, gt=0)
    stuck_after_s: float = Field(30.0, gt=0, description="a transaction older than this fails liveness")
    dead_letters_in_a_row: int = Field(5000, ge=1)
    parked_roots_per_hour: int = Field(20, ge=1)
    instance_id: str = Field("", description="static group membership; empty: derived from host and process slot")

    @model_validator(mode="after")
    def production_is_strict(self) -> Self:
        """Production refuses the clock topic, development keys and a development issuer."""
        if self.environment == "production":
            if self.platform_clock == "topic":
                raise ValueError("PLATFORM_CLOCK=topic is for local use and tests; production runs on the wall clock")
            if self.field_key.get_secret_value().startswith(DEV_KEY_MARK):
                raise ValueError("FIELD_KEY is a development key; make one with `python -m streaming.crypto`")
            if not self.oidc_issuer.startswith("https://"):
                raise ValueError("OIDC_ISSUER must be an https address in production")
        return self
