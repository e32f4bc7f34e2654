"""Former place of `fer_lib.live.server.connection`, for configuration files that name it; removed in the next version."""

from fer_lib.live.server.connection import KernelConnection as PromptConnection

__all__ = ["PromptConnection"]
