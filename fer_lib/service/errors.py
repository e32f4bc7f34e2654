"""Error responses: a status code and JSON with one sentence."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

INTERNAL_ERROR = "Internal error; see the service log."
DESCRIPTIONS = {
    400: "The body is not a valid form.",
    403: "The `Host` or `Origin` header is not allowed.",
    408: "The body was not complete within the time limit.",
    413: "The request has too many bytes, or an image has too many pixels.",
    415: "A file is not a JPEG, PNG or WebP image, or is damaged.",
    422: "A field is missing or has a value that is not allowed.",
    500: INTERNAL_ERROR,
    503: "The service is overloaded; `Retry-After` is the number of seconds to wait.",
}

logger = logging.getLogger(__name__)


class Problem(BaseModel):
    """Body of every error response."""

    detail: str = Field(
        description="one human-readable sentence", examples=["`file` must be a JPEG, PNG or WebP image, but got none"]
    )


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI descriptions of these error statuses."""
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": DESCRIPTIONS[status]} for status in statuses
    }
    if 503 in responses:
        header = {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        responses[503]["headers"] = {"Retry-After": header}
    return responses


def too_many_bytes(limit: int) -> HTTPException:
    """Return the 413 of a request over `limit` bytes."""
    return HTTPException(413, f"the request must have at most {limit} bytes; `FER_SERVICE_MAX_UPLOAD_MB` sets this")


def too_many_pixels(width: int, height: int, limit: int) -> HTTPException:
    """Return the 413 of an image over `limit` pixels."""
    return HTTPException(413, f"an image must have at most {limit} pixels, but got {width} × {height}")


def not_an_image(error: Exception) -> HTTPException:
    """Return the 415 of a file that can't be decoded."""
    return HTTPException(415, f"`file` must be a JPEG, PNG or WebP image, but {_reason(error)}")


def invalid_message(sentence: str) -> HTTPException:
    """Return the 415 of a stream message that is neither a frame nor a setting."""
    return HTTPException(415, sentence)


def overloaded(retry_after_s: int) -> HTTPException:
    """Return the 503 of an image when the queue is full."""
    sentence = f"too many images are waiting; try again in {retry_after_s} s"
    return HTTPException(503, sentence, {"Retry-After": str(retry_after_s)})


def out_of_memory_budget(retry_after_s: int) -> HTTPException:
    """Return the 503 of a body or a frame that exceeds the byte budget of the process."""
    sentence = f"too many bytes are waiting; try again in {retry_after_s} s"
    return HTTPException(503, sentence, {"Retry-After": str(retry_after_s)})


def body_too_slow() -> HTTPException:
    """Return the 408 of a body that is not complete in time."""
    return HTTPException(
        408, "the body must arrive in time and without long pauses; `FER_SERVICE_BODY_TIMEOUT_S` sets the time"
    )


def add_error_handlers(app: FastAPI) -> None:
    """Make `app` respond to every error with a `Problem`, never with a stack trace."""
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(Exception, _handle_internal_error)


async def _handle_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    sentences = [f"`{'.'.join(map(str, one['loc'][1:])) or 'body'}`: {one['msg']}" for one in error.errors()]
    return JSONResponse({"detail": "; ".join(sentences)}, 422)


async def _handle_internal_error(request: Request, error: Exception) -> JSONResponse:
    # Escaped, so that a path with line breaks can't forge lines of the log.
    logger.error("%r failed", request.scope["path"], exc_info=error)
    return JSONResponse({"detail": INTERNAL_ERROR}, 500)


def _reason(error: Exception) -> str:
    return str(error).partition(", but ")[2] or str(error)
