"""The sandboxes, as the real process, for the tests of this member."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.receipt_catcher import ReceiptCatcher

from devstack import credentials, layout, ports
from devstack.processes import Child, Recipe, wait_ready


@dataclass(frozen=True)
class Sandboxes:
    var_dir: Path
    issuer: str
    data_key: str
    notify: str
    receipts: ReceiptCatcher


@pytest.fixture
def var_dir() -> Iterator[Path]:
    """A var folder outside pytest's own temporary folder, which only its owner may enter: as root, PostgreSQL runs as nobody."""
    with tempfile.TemporaryDirectory(prefix="devstack-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture(scope="session")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxes]:
    var_dir = tmp_path_factory.mktemp("sandboxes")
    chosen = layout.Ports.free()
    issuer = layout.address(chosen.oidc)
    credentials.write(var_dir, issuer, credentials.standard({"service-referrals": "s"}))
    with ReceiptCatcher(chosen.notifications) as receipts:
        numbers = {layout.variable(name): str(getattr(chosen, name)) for name in ("oidc", "data_key", "notify", "notifications")}
        clean = {name: value for name, value in os.environ.items() if name not in layout.OUTSIDE}
        argv = [sys.executable, "-m", "devstack.sandboxes", "--var-dir", str(var_dir)]
        child = Child(Recipe("sandboxes", argv, var_dir / "sandboxes.log", env={**clean, **numbers}))
        try:
            wait_ready(child, lambda: all(ports.answers(p) for p in (chosen.oidc, chosen.data_key, chosen.notify)), 30)
            yield Sandboxes(var_dir, issuer, layout.address(chosen.data_key), layout.address(chosen.notify), receipts)
        finally:
            assert child.stop() == 0, (var_dir / "sandboxes.log").read_text()
