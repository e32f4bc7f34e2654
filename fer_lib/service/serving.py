"""Start the service on this computer."""

from __future__ import annotations

import os
import tempfile

import uvicorn

from fer_lib.service.app import create_app
from fer_lib.service.engine import Engine
from fer_lib.settings import ServiceSettings

GRACE_S = 10  # for what is being answered when the service is told to end


def serve(settings: ServiceSettings | None = None) -> None:
    """Serve until told to end; without `settings` they are resolved as usual.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
        SystemExit: if the port is taken; the log says so.
    """
    settings = settings or ServiceSettings.load()
    if settings.processes > 1:
        _serve_with_processes(settings)
    else:
        _run(create_app(settings), settings)


def _serve_with_processes(settings: ServiceSettings) -> None:
    Engine()  # what is wrong with the weights is said once, here
    # The others learn the settings from the environment, and add up their counters in a folder.
    for field, value in settings:
        os.environ[settings.variable(field)] = str(value)
    with tempfile.TemporaryDirectory(prefix="fer-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        _run("fer_lib.service.app:create_app", settings, factory=True, workers=settings.processes)


def _run(app: object, settings: ServiceSettings, **options: object) -> None:
    uvicorn.run(
        app,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        # Who asked when is nobody's business; `/metrics` counts requests.
        access_log=False,
        server_header=False,
        ws_max_size=settings.max_upload_bytes,
        timeout_graceful_shutdown=GRACE_S,
        **options,  # type: ignore[arg-type]
    )
