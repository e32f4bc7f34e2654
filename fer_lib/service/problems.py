"""What can be wrong with a request: a status, and one sentence that says what to do."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

logger = logging.getLogger(__name__)

SENTENCES = {
    400: "The body is no form that can be read.",
    403: "The `Host` or `Origin` header is not allowed.",
    408: "The body did not come in time.",
    413: "The request has too many bytes, or a picture too many pixels.",
    415: "A file is not a JPEG, PNG or WebP picture, or is damaged.",
    422: "A field is missing or has a value that is not allowed.",
    500: "An internal error; the log of the service says why.",
    503: "Too many pictures are waiting; `Retry-After` says in how many seconds to try again.",
}


class Problem(BaseModel):
    """Why a request has no answer."""

    detail: str = Field(description="one sentence for people", examples=["`file` must be a JPEG, PNG or WebP picture"])


def describe(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says about these statuses."""
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": SENTENCES[status]} for status in statuses
    }
    if 503 in described:
        header = {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        described[503]["headers"] = {"Retry-After": header}
    return described


def too_many_bytes(limit: int) -> HTTPException:
    """Return the refusal of a request over `limit` bytes."""
    return HTTPException(413, f"the request must have at most {limit} bytes; `FER_SERVICE_MAX_UPLOAD_MB` sets this")


def too_many_pixels(width: int, height: int, limit: int) -> HTTPException:
    """Return the refusal of a picture over `limit` pixels."""
    return HTTPException(413, f"a picture must have at most {limit} pixels, but got {width} × {height}")


def not_a_picture(error: Exception) -> HTTPException:
    """Return the refusal of a file that is no picture."""
    return HTTPException(415, f"`file` must be a JPEG, PNG or WebP picture, but {_after_but(error)}")


def not_a_frame(sentence: str) -> HTTPException:
    """Return the refusal of a message of a stream that is neither a frame nor a setting."""
    return HTTPException(415, sentence)


def overloaded(retry_after_s: int) -> HTTPException:
    """Return the refusal of a picture for which there is no room."""
    sentence = f"too many pictures are waiting; try again in {retry_after_s} s"
    return HTTPException(503, sentence, {"Retry-After": str(retry_after_s)})


def no_room_for_bytes(retry_after_s: int) -> HTTPException:
    """Return the refusal of a body or a frame that does not fit into memory beside the others."""
    sentence = f"too many bytes are waiting; try again in {retry_after_s} s"
    return HTTPException(503, sentence, {"Retry-After": str(retry_after_s)})


def body_too_slow() -> HTTPException:
    """Return the refusal of a body that is not complete in time."""
    return HTTPException(
        408, "the body must come without long pauses and in time; `FER_SERVICE_BODY_TIMEOUT_S` sets this"
    )


def answer_problems(app: FastAPI) -> None:
    """Let `app` answer every error with a `Problem`, never with a stack trace."""
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_fault)


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    sentences = [f"`{'.'.join(map(str, one['loc'][1:])) or 'body'}`: {one['msg']}" for one in error.errors()]
    return JSONResponse({"detail": "; ".join(sentences)}, 422)


async def _answer_fault(request: Request, error: Exception) -> JSONResponse:
    # Escaped, so that a path with line breaks can't forge lines of the log.
    logger.error("%r failed", request.scope["path"], exc_info=error)
    return JSONResponse(
        {"detail": "this request failed because of an internal error; the log of the service says why"}, 500
    )


def _after_but(error: Exception) -> str:
    return str(error).partition(", but ")[2] or str(error)
