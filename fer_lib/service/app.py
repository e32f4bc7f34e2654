"""The application: its paths, and what OpenAPI says of them."""

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
from fer_lib.packages import find_version
from fer_lib.service.access import AccessCheck
from fer_lib.service.addresses import client_key
from fer_lib.service.answers import Batch, Boxes, Emotion, FaceTable, Health, ModelType
from fer_lib.service.byte_budget import ByteBudget
from fer_lib.service.engine import Engine, Looker
from fer_lib.service.limits import BodyLimit
from fer_lib.service.looking import look, look_at_all
from fer_lib.service.measures import Measures, RequestMeasure
from fer_lib.service.problems import answer_problems, describe
from fer_lib.service.streams import Streams
from fer_lib.service.workers import Workers
from fer_lib.settings.service import ServiceSettings

TITLE = "Face emotion detection"
VERSION = find_version("face-emotion-detection") or "unknown"  # of a checkout that was never installed
DESCRIPTION = """\
Finds the faces in pictures and names the emotion each shows. Boxes and points are in pixels, (0, 0) is the top left
corner; probabilities and confidence are in [0, 1]. Pictures are looked at in memory and forgotten.

A WebSocket at `/stream` takes the frames of one camera, each a binary message with a JPEG file, and answers each
with a text message, in their order: `{"frame": 0, "faces": [...]}` with faces as in `faces` below, a `track_id` and
`raw_probabilities` (before smoothing), or `{"frame": 0, "detail": "why not", "status": 415}`. Send a frame when an answer
is back, with at most two unanswered: if more come, only the newest is looked at. The text `{"smoothing_s": 0.5}` sets the
time constant of the probabilities from the next frame on, and has no answer.
"""
FILE = "the picture: a JPEG, PNG or WebP file, as it comes from the camera"
MODEL_TYPE = "what to ask: `face` where faces are; `emotion` what the picture shows, as one face that fills it; `faces` everything"
EVERYTHING_WRONG = describe(400, 403, 408, 413, 415, 422, 500, 503)
MAX_FIELDS = 8  # text fields of a form; one is needed
MAX_FIELD_BYTES = 1024

router = APIRouter()


class Service:
    """What the paths of one application share."""

    def __init__(self, settings: ServiceSettings, engine: Looker) -> None:
        self.settings = settings
        self.engine = engine
        self.measures = Measures()
        self.workers = Workers(settings)
        self.budget = ByteBudget(settings.max_waiting_bytes, settings.max_upload_bytes)
        self.streams = Streams(engine, self.workers, settings, self.measures, self.budget)
        self.measures.watch(lambda: self.workers.busy, lambda: self.streams.open)


def create_app(settings: ServiceSettings | None = None, engine: Looker | None = None) -> FastAPI:
    """Load the networks and put the application together.

    Args:
        settings: resolved as usual if not given.
        engine: what looks at pictures; the project's own networks if not given.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
    """
    settings = settings or ServiceSettings.load()
    service = Service(settings, engine or Engine(batching=settings.batching))
    app = FastAPIOffline(
        redoc_url=None,
        title=TITLE,
        description=DESCRIPTION,
        version=VERSION,
        lifespan=_close_at_the_end,
        # Swagger UI would ask a server on the internet to judge our schema.
        swagger_ui_parameters={"validatorUrl": None},
        form_limits={
            # One more than allowed, so that the endpoint itself says how many are.
            "max_files": settings.max_batch + 1,
            "max_fields": MAX_FIELDS,
            "max_part_size": MAX_FIELD_BYTES,
        },
    )
    app.state.service = service
    app.include_router(router)
    answer_problems(app)
    # The last one added sees a request first.
    app.add_middleware(BodyLimit, settings=settings, budget=service.budget)
    if origins := split_names(settings.allowed_origins):
        app.add_middleware(
            CORSMiddleware, allow_origins=[one.lower().rstrip("/") for one in origins], allow_methods=["*"]
        )
    app.add_middleware(AccessCheck, settings=settings)
    app.add_middleware(RequestMeasure, measures=service.measures)
    # Pictures stay in memory: the parser would write large ones to a file on the disk.
    MultiPartParser.spool_max_size = service.settings.max_upload_bytes + 1
    return app


@router.post("/infer", tags=["pictures"], summary="Look at one picture", responses=EVERYTHING_WRONG)
async def infer(
    request: Request,
    file: Annotated[UploadFile, File(description=FILE)],
    model_type: Annotated[ModelType, Form(description=MODEL_TYPE)],
) -> Boxes | Emotion | FaceTable:
    """`face` answers `boxes`, `emotion` answers `probabilities`, `faces` answers everything about every face."""
    service = _service(request)
    data = await _read(file)
    client = client_key(request.scope)
    return await service.workers.run(client, look, service.engine, data, model_type, service.settings.max_pixels)


@router.post("/infer/batch", tags=["pictures"], summary="Look at several pictures", responses=EVERYTHING_WRONG)
async def infer_batch(
    request: Request,
    files: Annotated[list[UploadFile], File(min_length=1, description="the pictures; this field once for each")],
    model_type: Annotated[ModelType, Form(description=MODEL_TYPE)],
) -> Batch:
    """Answer each picture as `/infer` does, in the order of the request; one that can't be read gets a `detail` instead.

    A batch is one piece of work: it is looked at by one thread, and its size counts as that of one request.
    """
    service = _service(request)
    if len(files) > service.settings.max_batch:
        raise HTTPException(413, f"`files` must be at most {service.settings.max_batch} pictures, but got {len(files)}")
    data = [await _read(file) for file in files]
    client = client_key(request.scope)
    results = await service.workers.run(
        client, look_at_all, service.engine, data, model_type, service.settings.max_pixels
    )
    return Batch(results=results)


@router.get("/health", tags=["service"], summary="Is it up?")
async def health(request: Request) -> Health:
    """Answer as soon as the networks are loaded."""
    service = _service(request)
    return Health(
        version=VERSION,
        network_sha256=service.engine.network_sha256,
        busy=service.workers.busy,
        streams=service.streams.open,
    )


@router.get("/metrics", tags=["service"], summary="Counters for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Requests by path and status, their seconds, frames of streams, and what is going on now."""
    return Response(_service(request).measures.write(), media_type=CONTENT_TYPE_LATEST)


@router.get("/", include_in_schema=False)
async def front() -> RedirectResponse:
    """Lead people to the description."""
    return RedirectResponse("docs")


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Answer the frames of a camera."""
    await _service(socket).streams.serve(socket)


async def _read(file: UploadFile) -> bytes:
    """Return the bytes of an upload and free the parser's copy of them, which would stay until the response."""
    data = await file.read()
    await file.close()
    return data


@asynccontextmanager
async def _close_at_the_end(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.service.workers.close()


def _service(connection: Request | WebSocket) -> Service:
    service: Service = connection.app.state.service
    return service
