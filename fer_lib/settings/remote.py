"""Settings of remote inference: the service that analyses the frames of the live page."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings


class RemoteSettings(Settings):
    """Remote inference of the live page: which service analyses its frames."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}REMOTE_")

    url: str | None = Field(
        None,
        pattern=r"^(http|ws)s?://\S+$",
        description="address of the service that analyses the page's frames, such as http://localhost:8000; empty: each kernel analyses them itself",
    )
    timeout_s: float = Field(
        2, ge=0.1, le=60, description="seconds without a response after which the service counts as unreachable"
    )
    retry_s: float = Field(5, ge=0.1, le=3600, description="seconds between two attempts to reconnect to the service")
