"""Settings of the HTTP service."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from fer_lib.settings.base import PREFIX, Settings


class ServiceSettings(Settings):
    """HTTP service: address, concurrency, limits, access."""

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}SERVICE_")

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0: all addresses of this computer")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    processes: int = Field(1, ge=1, le=64, description="worker processes; each loads the networks")
    threads: int = Field(
        2,
        ge=1,
        le=64,
        description="images that one process analyses concurrently; FER_THREADS sets the threads of each network",
    )
    max_waiting: int = Field(
        16, ge=0, le=10000, description="images that may wait for a thread; more are rejected (503)"
    )
    retry_after_s: int = Field(
        1, ge=1, le=3600, description="value of the Retry-After header of such a rejection, in seconds"
    )
    max_upload_mb: float = Field(
        8, ge=0.001, le=1000, description="largest request, in megabytes (10^6 bytes); a batch is one request"
    )
    max_pixels: int = Field(25_000_000, ge=1000, le=1_000_000_000, description="largest image, in pixels")
    max_batch: int = Field(16, ge=1, le=1000, description="most images in one batch")
    max_streams: int = Field(16, ge=1, le=10000, description="streams that one process serves at a time")
    max_streams_per_address: int = Field(
        4, ge=1, le=10000, description="streams of one client address at a time; this computer's own are not limited"
    )
    stream_idle_s: float = Field(
        30, ge=0.1, le=86400, description="seconds without a frame after which a stream is closed"
    )
    stream_messages_per_s: float = Field(
        200,
        ge=1,
        le=100_000,
        description="rate limit of messages sent ahead of the results, per second; a stream above it is closed",
    )
    stream_mb_per_s: float = Field(
        10,
        ge=0.1,
        le=10_000,
        description="rate limit of these messages, in megabytes per second; a stream above it is closed",
    )
    max_waiting_mb: float = Field(
        64,
        ge=0.001,
        le=100_000,
        description="largest total of requests and waiting frames in one process, in megabytes (10^6 bytes)",
    )
    body_timeout_s: float = Field(
        60, ge=0.1, le=86400, description="seconds in which the body of a request must be complete"
    )
    allowed_hosts: str = Field(
        "",
        description="names besides localhost in the Host header, separated by commas; * allows any; empty: any, unless host is local",
    )
    allowed_origins: str = Field(
        "",
        pattern=r"^\s*((\*|null|[a-z-]+://[^\s,/]+/?)\s*(,\s*|$))*$",
        description="origins of web pages that may use the service, separated by commas, such as https://faces.example.org; * allows any; empty: its own",
    )
    trusted_proxies: str = Field(
        "127.0.0.1,::1",
        description="addresses of proxies whose X-Forwarded-For header is used, separated by commas; * trusts any",
    )
    root_path: str = Field(
        "", pattern=r"^(/[A-Za-z0-9._~-]+)*$", description="path under which a proxy serves the service, such as /faces"
    )

    @property
    def max_upload_bytes(self) -> int:
        """Largest request, in bytes."""
        return round(self.max_upload_mb * 1e6)

    @property
    def max_waiting_bytes(self) -> int:
        """Bytes of all requests and waiting frames of one process."""
        return round(self.max_waiting_mb * 1e6)
