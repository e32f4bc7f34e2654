"""Ray Serve deployment of the HTTP API: replicas on one machine or a cluster.

    serve run deploy/ray-serve.yaml          # this machine
    serve deploy deploy/ray-serve.yaml       # a running cluster

Needs `pip install '.[cluster]'`; no other module imports it.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from ray import serve

from fer_lib.hosts import ANY_HOST
from fer_lib.service.app import create_app
from fer_lib.settings.service import ServiceSettings

NAME = "faces"  # of the deployment, as in deploy/ray-serve.yaml


def _build() -> FastAPI:
    """Create the application of one replica from the settings of its environment.

    `FER_SERVICE_HOST` does not apply, because Ray's proxy listens, so the `Host` header is checked only if
    `FER_SERVICE_ALLOWED_HOSTS` is set.
    """
    settings = ServiceSettings.load()
    return create_app(settings.model_copy(update={"allowed_hosts": settings.allowed_hosts or ANY_HOST}))


@serve.deployment(name=NAME)
@serve.ingress(_build)
class Replica:
    """One process of the service; the deployment's options set the number of replicas.

    A stream stays at its replica, so track IDs are stable. When a replica dies, its requests fail with 5xx and can be
    retried, and its streams end and can be opened again.
    """


def build(arguments: dict[str, Any]) -> serve.Application:
    """Return the application for Ray Serve; `arguments` are options of the deployment, such as `num_replicas`."""
    return Replica.options(**arguments).bind()  # type: ignore[attr-defined]
