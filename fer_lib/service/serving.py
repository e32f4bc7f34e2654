"""Start the service with uvicorn."""

from __future__ import annotations

import os
import tempfile
from typing import Any

import uvicorn

from fer_lib.service.app import create_app
from fer_lib.service.engine import Engine
from fer_lib.service.protection.protocols import LimitedHttp, LimitedWebSocket
from fer_lib.settings.service import ServiceSettings

GRACE_S = 10  # for open requests at shutdown


def serve(settings: ServiceSettings | None = None) -> None:
    """Serve until a signal ends the process; without `settings` they are loaded from the environment.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
        SystemExit: if the port is in use; uvicorn logs the reason.
    """
    settings = settings or ServiceSettings.load()
    if settings.processes > 1:
        _serve_with_processes(settings)
    else:
        _run(create_app(settings), settings)


def _serve_with_processes(settings: ServiceSettings) -> None:
    Engine()  # fail once here, and not in each worker, if the weights are missing or damaged
    # The workers read the settings from the environment, and share their metrics in a folder.
    for field, value in settings:
        os.environ[settings.variable(field)] = str(value)
    with tempfile.TemporaryDirectory(prefix="fer-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _run("fer_lib.service.app:create_app", settings, factory=True, workers=settings.processes)


def server_options(settings: ServiceSettings) -> dict[str, Any]:
    """Return the options of uvicorn, for `uvicorn.run` or `uvicorn.Config`."""
    return {
        "host": settings.host,
        "port": settings.port,
        # No client addresses in the log; `/metrics` counts requests.
        "access_log": False,
        "server_header": False,
        "http": LimitedHttp,
        "ws": LimitedWebSocket,
        "ws_max_size": settings.max_upload_bytes,
        # JPEG is compressed already, and a small compressed message could expand to a large one.
        "ws_per_message_deflate": False,
        "forwarded_allow_ips": settings.trusted_proxies,
        "root_path": settings.root_path,
        "timeout_graceful_shutdown": GRACE_S,
    }


def _run(app: object, settings: ServiceSettings, **options: object) -> None:
    uvicorn.run(app, **server_options(settings), **options)  # type: ignore[arg-type]
