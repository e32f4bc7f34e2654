"""Whatever the schema allows, and much that it does not, gets an answer that the schema describes."""

from collections.abc import Iterator
from typing import get_args

import pytest
import schemathesis
from factories import make_frame
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from fer_lib.service.answers import ModelType

from .conftest import FakeEngine, encode, served

pytestmark = pytest.mark.timeout(900)

# What bytes are a picture, no schema can say, so that most of those that it allows are refused.
STATUSES = ["2xx", "413", "415"]


@pytest.fixture(scope="module")
def description() -> Iterator[schemathesis.BaseSchema]:
    config = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": STATUSES}}})
    with served(FakeEngine()) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)


def can_be_sent(case: schemathesis.Case) -> bool:
    """Say whether a form can hold what is wrong with the body.

    The parts of a form have no type, and a list is one part for each of its items. A number among `files` is sent as
    a file with its digits in it, which is a right request, and the answer to it is no fault of the service.
    """
    body = case.body if isinstance(case.body, dict) else {}
    files, model_type = body.get("files"), body.get("model_type")
    last = model_type[-1] if isinstance(model_type, list) and model_type else model_type
    has_other = isinstance(files, list) and not all(isinstance(one, str | bytes) for one in files)
    return not (has_other and last in get_args(ModelType))


@pytest.mark.parametrize(
    ("body", "can"),
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
def test_what_is_left_out_is_what_a_form_can_not_hold(description, body, can):
    case = description["/infer/batch"]["POST"].Case(body=body, media_type="multipart/form-data")
    assert can_be_sent(case) == can
    if isinstance(body, dict):
        assert (case.call().status_code == 422) == can


ASKED = ("/infer", "POST"), ("/infer/batch", "POST"), ("/health", "GET"), ("/metrics", "GET")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), ASKED)
def test_every_answer_is_one_that_the_schema_describes(description, path, method, mode):
    operation = description[path][method]
    if mode is GenerationMode.NEGATIVE and not operation.body:
        return  # there is nothing to say to it, and so nothing wrong

    cases = operation.as_strategy(generation_mode=mode)

    @given(case=cases.filter(can_be_sent) if mode is GenerationMode.NEGATIVE else cases)
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case):
        case.call_and_validate()

    ask()


def test_all_that_the_schema_describes_is_asked(description):
    assert {one.ok().label for one in description.get_all_operations()} == {f"{way} {path}" for path, way in ASKED}


@pytest.mark.parametrize("model_type", ["face", "emotion", "faces"])
@pytest.mark.parametrize(("path", "field"), [("/infer", "file"), ("/infer/batch", "files")])
def test_answers_to_pictures_are_those_that_the_schema_describes(description, path, field, model_type):
    picture = encode(make_frame())
    body = {field: picture if field == "file" else [picture, picture], "model_type": model_type}
    case = description[path]["POST"].Case(body=body, media_type="multipart/form-data")
    assert case.call_and_validate().status_code == 200
