"""Ray on this machine: bound to the loopback address, without a dashboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

# Ray reads it while it is imported. Its name speaks of Windows and macOS, where "0" is the default; on Linux Ray would
# otherwise bind some ten ports to all addresses. With "0" all of them are bound to 127.0.0.1.
CLUSTER_VARIABLE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


def bind_to_loopback() -> None:
    """Make a Ray that this process starts listen on 127.0.0.1 only; call it before `ray` is imported.

    Nothing is changed when `RAY_ADDRESS` names a cluster, whose machines must reach each other, or when the user has
    set the variable.
    """
    if not os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault(CLUSTER_VARIABLE, "0")


@contextmanager
def connect_ray() -> Iterator[None]:
    """Start a Ray on this machine and end it at exit, or use the cluster of `RAY_ADDRESS`, or this process's own Ray."""
    bind_to_loopback()
    import ray

    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS") or "local"
    ray.init(address, log_to_driver=False, include_dashboard=False)
    try:
        yield
    finally:
        ray.shutdown()
