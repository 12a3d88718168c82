"""The platform's relay on the benchmark's outbox."""

from __future__ import annotations

from bench.contenders.env import BOOTSTRAP, DATABASE
from streaming import logs
from streaming.crypto import new_key
from streaming.relay import run_relay
from streaming.settings import PlatformSettings

if __name__ == "__main__":
    logs.configure("bench", "relay")
    settings = PlatformSettings(
        environment="test", kafka_bootstrap_servers=BOOTSTRAP, field_key=new_key(), oidc_issuer="http://127.0.0.1:1"
    )
    run_relay("bench", DATABASE, settings)
