"""Former name of `fer_lib.service.ray_deployment`, kept for one version for users' Ray Serve files."""

from fer_lib.service.ray_deployment import build

__all__ = ["build"]
