"""`python -m devstack.sandboxes`: the three sandboxes in one process, until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
import uvloop
from fastapi import FastAPI

from devstack import credentials, layout
from devstack.sandboxes import data_key, issuer, notify


class _Quiet(uvicorn.Server):
    """Three servers share one process, so none of them takes the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: FastAPI, port: int, host: str) -> _Quiet:
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    return _Quiet(config)


async def _serve(servers: list[_Quiet]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await asyncio.gather(*(server.serve() for server in servers))


def main(
    var_dir: Annotated[Path, typer.Option(envvar="VAR_DIR", help="Folder with dev-credentials.json")] = Path("var"),
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    write_credentials: Annotated[bool, typer.Option(help="Write dev-credentials.json first, if there is none")] = False,
) -> None:
    """Serve issuer, data key service and Notify on PORT_OIDC, PORT_DATA_KEY and PORT_NOTIFY."""
    ports = layout.Ports.from_environment()
    own_issuer = os.environ.get("OIDC_ISSUER") or layout.address(ports.oidc)
    if write_credentials and not (var_dir / credentials.FILE).exists():
        secrets = {layout.client_id(service): os.environ[f"{service.upper()}_CLIENT_SECRET"] for service in layout.SERVICES}
        credentials.write(var_dir, own_issuer, credentials.standard(secrets))
    receipts_url = f"{os.environ.get('NOTIFICATIONS_URL') or layout.address(ports.notifications)}/v1/notify/receipts"
    public_notify = os.environ.get("NOTIFY_BASE_URL") or layout.address(ports.notify)
    keys = {layout.NOTIFY_SERVICE_ID: layout.NOTIFY_SECRET}
    servers = [
        _server(issuer.create(own_issuer, var_dir / credentials.FILE), ports.oidc, host),
        _server(data_key.create(), ports.data_key, host),
        _server(notify.create(public_notify, keys, receipts_url, layout.NOTIFY_RECEIPTS_TOKEN), ports.notify, host),
    ]
    uvloop.run(_serve(servers))


if __name__ == "__main__":
    typer.run(main)
