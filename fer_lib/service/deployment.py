"""The same application with replicas, on one machine or many, under Ray Serve.

    serve run deploy/ray-serve.yaml          # this machine
    serve deploy deploy/ray-serve.yaml       # a cluster that runs already

Imported only when asked for: it needs `pip install '.[cluster]'`.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from ray import serve

from fer_lib.hosts import ANY_HOST
from fer_lib.service.app import create_app
from fer_lib.settings.service import ServiceSettings

NAME = "faces"  # of the deployment, as deploy/ray-serve.yaml calls it


def _build() -> FastAPI:
    """Put the application of one replica together; it reads its settings from the replica's environment.

    Ray's proxy listens, at an address that `FER_SERVICE_HOST` does not say, so the `Host` header is checked only if
    `FER_SERVICE_ALLOWED_HOSTS` is set.
    """
    settings = ServiceSettings.load()
    return create_app(settings.model_copy(update={"allowed_hosts": settings.allowed_hosts or ANY_HOST}))


@serve.deployment(name=NAME)
@serve.ingress(_build)
class Replica:
    """One process that answers; how many there are is said where it is deployed.

    A stream stays with its replica, so tracks hold. When a replica dies, its requests fail with 5xx and can be sent
    again, and its streams end and can be opened again.
    """


def build(arguments: dict[str, Any]) -> serve.Application:
    """Return what Ray Serve runs; `arguments` are options of the deployment, such as `num_replicas`."""
    return Replica.options(**arguments).bind()  # type: ignore[attr-defined]
