"""Ground truth, told from latent facts. Imports no service and reads no policy of the platform."""

from __future__ import annotations

from world.truth.document import FORMAT, findings, truth, write

__all__ = ["FORMAT", "findings", "truth", "write"]
