"""The virtual environment of peers that the project itself does not need (their pins conflict with ours).

Made from hashed requirements when it is first asked for, kept in `.venv-peers`, and made again when they change.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from bench.machine import ROOT

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
HOME = ROOT / ".venv-peers"


class NotInstalled(Exception):
    """The environment could not be made; the text says why."""


def python(home: Path = HOME, requirements: Path = REQUIREMENTS) -> Path:
    """The interpreter that has the peers. Raises NotInstalled."""
    found, mark = home / "bin" / "python", home / ".made-from"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return found
    shutil.rmtree(home, ignore_errors=True)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "-q", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "-q", "--python", str(found), "--require-hashes", "-r", str(requirements)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotInstalled((done.stdout + done.stderr).strip()[-500:])
    mark.write_text(wanted)
    return found
