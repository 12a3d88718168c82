"""Settings of the service, from the environment; frozen, without default secrets."""

from __future__ import annotations

import base64
import binascii
from typing import Self

from pydantic import SecretStr, field_validator, model_validator

from earnings.model import Basis, CorrectionBasis
from streaming.settings import DEV_KEY_MARK, PlatformSettings

PORT = 8101


class Settings(PlatformSettings):
    """pseudonym_key: base64, at least 32 bytes; NINOs are known by its HMAC only. attribution_basis, correction_basis:
    None takes the policy's value in force. backfill: history is being loaded; services behind record it and do nothing."""

    earnings_database_url: str
    data_key_service_url: str
    pseudonym_key: SecretStr
    data_key_timeout_s: float = 5.0
    attribution_basis: Basis | None = None
    correction_basis: CorrectionBasis | None = None
    backfill: bool = False

    @field_validator("pseudonym_key")
    @classmethod
    def key_is_long_enough(cls, key: SecretStr) -> SecretStr:
        """A short key could be searched: there are only some hundred million NINOs."""
        try:
            raw = base64.b64decode(key.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("PSEUDONYM_KEY must be base64") from None
        if len(raw) < 32:
            raise ValueError("PSEUDONYM_KEY must have at least 32 bytes")
        return key

    @model_validator(mode="after")
    def production_is_real(self) -> Self:
        """Production refuses the development key and a data key service without TLS."""
        if self.environment == "production":
            if self.pseudonym_key.get_secret_value().startswith(DEV_KEY_MARK):
                raise ValueError("PSEUDONYM_KEY is a development key")
            if not self.data_key_service_url.startswith("https://"):
                raise ValueError("DATA_KEY_SERVICE_URL must be an https address in production")
        return self

    @property
    def production(self) -> bool:
        """Real NINOs only, and no others."""
        return self.environment == "production"
