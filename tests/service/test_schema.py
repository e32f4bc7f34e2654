"""Property-based tests of the API against its OpenAPI schema (schemathesis)."""

from collections.abc import Iterator
from typing import get_args

import pytest
import schemathesis
from factories import make_frame
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from fer_lib.service.app import MAX_FIELDS
from fer_lib.service.schemas import ModelType
from tests.service.conftest import FakeEngine, encode, served

pytestmark = pytest.mark.timeout(900)

# A schema can't describe which bytes are an image, so most of the generated ones are refused.
STATUSES = ["2xx", "413", "415"]


@pytest.fixture(scope="module")
def description() -> Iterator[schemathesis.BaseSchema]:
    config = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": STATUSES}}})
    with served(FakeEngine()) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)


def is_expressible(case: schemathesis.Case) -> bool:
    """Return whether multipart form data can express the invalid body.

    The parts of a form are untyped, and a list becomes one part per item. A number among `files` is sent as a file that
    contains its digits, which is a valid request.
    """
    body = case.body if isinstance(case.body, dict) else {}
    files, model_type = body.get("files"), body.get("model_type")
    last = model_type[-1] if isinstance(model_type, list) and model_type else model_type
    has_other = isinstance(files, list) and not all(isinstance(one, str | bytes) for one in files)
    return not (has_other and last in get_args(ModelType))


def is_within_field_limit(case: schemathesis.Case) -> bool:
    """Return whether a generated form has at most `MAX_FIELDS` text fields, a limit that the schema does not state."""
    body = case.body if isinstance(case.body, dict) else {}
    counts = [len(value) if isinstance(value, list) else 1 for name, value in body.items() if name != "files"]
    return sum(counts) <= MAX_FIELDS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"files": [0.5], "model_type": "face"}, False),
        ({"files": [None, ["a"]], "model_type": ["face"], "more": 1}, False),
        ({"files": [0.5], "model_type": "elephant"}, True),
        ({"files": [0.5], "model_type": []}, True),
        ({"files": [0.5]}, True),
        ({"files": [0.5, "text"], "model_type": "face"}, False),
        ({"files": [], "model_type": "face"}, True),
        ({"files": 0.5, "model_type": "face"}, True),
        ({"model_type": "face"}, True),
        ([], True),
    ],
)
def test_is_expressible(description, body, expected):
    case = description["/infer/batch"]["POST"].Case(body=body, media_type="multipart/form-data")
    assert is_expressible(case) == expected
    if isinstance(body, dict):
        assert (case.call().status_code == 422) == expected


OPERATIONS = ("/infer", "POST"), ("/infer/batch", "POST"), ("/health", "GET"), ("/metrics", "GET")
BODIES = [operation for operation in OPERATIONS if operation[1] == "POST"]


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS]
    + [(*operation, GenerationMode.NEGATIVE) for operation in BODIES],
)
def test_responses_match_schema(description, path, method, mode):
    operation = description[path][method]
    cases = operation.as_strategy(generation_mode=mode)

    @given(case=cases.filter(is_expressible if mode is GenerationMode.NEGATIVE else is_within_field_limit))
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def check(case):
        case.call_and_validate()

    check()


def test_operations_are_complete(description):
    assert {one.ok().label for one in description.get_all_operations()} == {
        f"{method} {path}" for path, method in OPERATIONS
    }


@pytest.mark.parametrize("model_type", ["face", "emotion", "faces"])
@pytest.mark.parametrize(("path", "field"), [("/infer", "file"), ("/infer/batch", "files")])
def test_image_responses_match_schema(description, path, field, model_type):
    image = encode(make_frame())
    body = {field: image if field == "file" else [image, image], "model_type": model_type}
    case = description[path]["POST"].Case(body=body, media_type="multipart/form-data")
    assert case.call_and_validate().status_code == 200
