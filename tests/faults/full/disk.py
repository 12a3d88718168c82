"""A folder of limited size: a tmpfs whose limit can be brought down to what it holds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SPARE = 64 << 10
"""Bytes left when the disk is full."""


class Disk:
    """Mounted over `folder` until `close`. Needs the right to mount (root)."""

    def __init__(self, folder: Path, size: int, uid: int = 0, gid: int = 0) -> None:
        """size: bytes. uid, gid: who owns the top."""
        self.folder = folder
        self._size = size
        folder.mkdir(parents=True, exist_ok=True)
        while os.path.ismount(folder):  # a run that was killed
            self.close()
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={uid},gid={gid}", "tmpfs", str(folder))

    def fill(self) -> None:
        """From now on there is no space."""
        held = os.statvfs(self.folder)
        self._resize((held.f_blocks - held.f_bfree) * held.f_frsize + SPARE)

    def free(self) -> None:
        """There is space again."""
        self._resize(self._size)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.folder))

    def close(self) -> None:
        """Unmount; what it held is gone."""
        _run("umount", "-l", str(self.folder))


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"`{' '.join(argv)}`: {done.stderr.strip()} (the cells of `make faults` mount a tmpfs: run them as root)"
    )
