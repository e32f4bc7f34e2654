"""Former name of `fer_lib.service.ray_deployment`, which stands in users' Ray Serve files; kept for one version."""

from fer_lib.service.ray_deployment import build

__all__ = ["build"]
