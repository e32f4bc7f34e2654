"""The FastAPI application: routes, OpenAPI descriptions and middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, FastAPI, File, Form, HTTPException, Request, UploadFile, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.formparsers import MultiPartParser
from starlette.middleware.cors import CORSMiddleware

from fer_lib.hosts import split_names
from fer_lib.optional_packages import find_version
from fer_lib.service import inference
from fer_lib.service.addresses import client_key
from fer_lib.service.engine import Engine
from fer_lib.service.errors import add_error_handlers, error_responses
from fer_lib.service.inference import InferenceEngine
from fer_lib.service.metrics_endpoint import Metrics
from fer_lib.service.protection.access import AccessCheck
from fer_lib.service.protection.body_limit import BodyLimit
from fer_lib.service.protection.byte_budget import ByteBudget
from fer_lib.service.schemas import Batch, Boxes, Emotion, FaceTable, Health, ModelType
from fer_lib.service.streams import Streams
from fer_lib.service.workers import Workers
from fer_lib.settings.service import ServiceSettings

TITLE = "Face emotion detection"
VERSION = find_version("face-emotion-detection") or "unknown"  # in a checkout that is not installed
DESCRIPTION = """\
Detects the faces in images and classifies their emotions. Boxes and points are in pixels, (0, 0) is the top left
corner; probabilities and confidence are in [0, 1]. Images are processed in memory and not stored.

A WebSocket at `/stream` takes the frames of one camera, each a binary message with a JPEG file, and responds to each
with a text message, in their order: `{"frame": 0, "faces": [...]}` with faces as in `faces` below, a `track_id` and
`raw_probabilities` (before smoothing), or `{"frame": 0, "detail": "the error", "status": 415}`. Keep at most two frames in
flight: of more, only the newest is processed. The text message `{"smoothing_s": 0.5}` sets the time constant of the
smoothed probabilities from the next frame on, and has no response.
"""
FILE = "a JPEG, PNG or WebP image; its EXIF orientation is applied"
MODEL_TYPE = "`face`: boxes of the faces; `emotion`: probabilities of an image that is one face; `faces`: all faces with all their columns"
ERRORS = error_responses(400, 403, 408, 413, 415, 422, 500, 503)
MAX_FIELDS = 8  # text fields of a form; the API has one
MAX_FIELD_BYTES = 1024

router = APIRouter()


class Service:
    """Objects shared by the routes of one application."""

    def __init__(self, settings: ServiceSettings, engine: InferenceEngine) -> None:
        self.settings = settings
        self.engine = engine
        self.metrics = Metrics()
        self.workers = Workers(settings)
        self.budget = ByteBudget(settings.max_waiting_bytes, settings.max_upload_bytes)
        self.streams = Streams(engine, self.workers, settings, self.metrics, self.budget)
        self.metrics.set_gauges(lambda: self.workers.busy, lambda: self.streams.open)


def create_app(settings: ServiceSettings | None = None, engine: InferenceEngine | None = None) -> FastAPI:
    """Load the networks and create the application.

    Args:
        settings: loaded from the environment if not given.
        engine: inference engine; `Engine` if not given.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
    """
    settings = settings or ServiceSettings.load()
    service = Service(settings, engine or Engine())
    app = FastAPIOffline(
        redoc_url=None,
        title=TITLE,
        description=DESCRIPTION,
        version=VERSION,
        lifespan=_lifespan,
        # By default Swagger UI sends the schema to a validator on the internet.
        swagger_ui_parameters={"validatorUrl": None},
        form_limits={
            # One more than allowed, so that the endpoint's own error, which contains the limit, is the response.
            "max_files": settings.max_batch + 1,
            "max_fields": MAX_FIELDS,
            "max_part_size": MAX_FIELD_BYTES,
        },
    )
    app.state.service = service
    app.include_router(router)
    add_error_handlers(app)
    # The middleware added last is the outermost.
    app.add_middleware(BodyLimit, settings=settings, budget=service.budget)
    if origins := split_names(settings.allowed_origins):
        app.add_middleware(
            CORSMiddleware, allow_origins=[one.lower().rstrip("/") for one in origins], allow_methods=["*"]
        )
    app.add_middleware(AccessCheck, settings=settings)
    service.metrics.instrument(app)
    # Keep uploads in memory: by default the parser writes large ones to a temporary file.
    MultiPartParser.spool_max_size = service.settings.max_upload_bytes + 1
    return app


@router.post("/infer", tags=["images"], summary="Infer one image", responses=ERRORS)
async def infer(
    request: Request,
    file: Annotated[UploadFile, File(description=FILE)],
    model_type: Annotated[ModelType, Form(description=MODEL_TYPE)],
) -> Boxes | Emotion | FaceTable:
    """Return `boxes` for `face`, `probabilities` for `emotion`, and all columns of every face for `faces`."""
    service = _service(request)
    data = await _read(file)
    client = client_key(request.scope)
    return await service.workers.run(
        client, inference.infer, service.engine, data, model_type, service.settings.max_pixels
    )


@router.post("/infer/batch", tags=["images"], summary="Infer a batch of images", responses=ERRORS)
async def infer_batch(
    request: Request,
    files: Annotated[list[UploadFile], File(min_length=1, description="the images; repeat this field for each")],
    model_type: Annotated[ModelType, Form(description=MODEL_TYPE)],
) -> Batch:
    """Return the result of `/infer` for each image, in the order of the request; an invalid image gets a `detail` instead.

    One thread processes a batch, and the size limit of a request applies to all its images together.
    """
    service = _service(request)
    if len(files) > service.settings.max_batch:
        raise HTTPException(413, f"`files` must be at most {service.settings.max_batch} images, but got {len(files)}")
    data = [await _read(file) for file in files]
    client = client_key(request.scope)
    results = await service.workers.run(
        client, inference.infer_batch, service.engine, data, model_type, service.settings.max_pixels
    )
    return Batch(results=results)


@router.get("/health", tags=["service"], summary="Health check")
async def health(request: Request) -> Health:
    """Return 200 once the networks are loaded."""
    service = _service(request)
    return Health(
        version=VERSION,
        network_sha256=service.engine.network_sha256,
        busy=service.workers.busy,
        streams=service.streams.open,
    )


@router.get("/metrics", tags=["service"], summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return requests by path and status, their duration in seconds, frames of streams, and the current load."""
    return Response(_service(request).metrics.expose(), media_type=CONTENT_TYPE_LATEST)


@router.get("/", include_in_schema=False)
async def root() -> RedirectResponse:
    """Redirect to the API documentation."""
    return RedirectResponse("docs")


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Process the frames of a camera."""
    await _service(socket).streams.serve(socket)


async def _read(file: UploadFile) -> bytes:
    """Return the bytes of an upload and free the parser's copy, which would otherwise be kept until the response."""
    data = await file.read()
    await file.close()
    return data


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.service.workers.close()


def _service(connection: Request | WebSocket) -> Service:
    service: Service = connection.app.state.service
    return service
