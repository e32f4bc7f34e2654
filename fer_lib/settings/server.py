"""Settings of the live page's server."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings


class ServerSettings(Settings):
    """Server of the live page: host names, admission control, lifetime of kernels."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    allowed_hosts: str | None = Field(
        None,
        pattern=r"^(\*|[\w.-]+|\[[\da-fA-F:.]+\])(, ?(\*|[\w.-]+|\[[\da-fA-F:.]+\]))*$",
        description="host names of the page besides localhost, without ports, separated by commas; other `Host` headers get 403; *: any",
    )
    max_visitors: int | None = Field(
        None,
        ge=0,
        le=100_000,
        description="visitors of one server at a time; more get an error page (503); 0: any number; empty: as many as the memory holds, 200 MB each",
    )
    connect_timeout_s: float = Field(
        30,
        ge=0,
        le=3600,
        description="seconds after a page was sent in which it must connect to its kernel, or the kernel is ended; 0: no limit",
    )
    reconnect_timeout_s: float = Field(
        120,
        ge=0,
        le=86400,
        description="seconds after which a kernel is ended whose page has lost its connection; 0: ten minutes",
    )
    max_session_s: float = Field(
        0, ge=0, le=1_000_000, description="seconds after which a visitor's kernel is ended; 0: never"
    )
