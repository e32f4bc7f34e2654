"""Whatever the schema allows, and much that it does not, gets an answer that the schema describes."""

from collections.abc import Iterator

import pytest
import schemathesis
from factories import make_frame
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from .conftest import FakeEngine, encode, served

pytestmark = pytest.mark.timeout(900)

# What bytes are a picture, no schema can say, so that most of those that it allows are refused.
STATUSES = ["2xx", "413", "415"]


@pytest.fixture(scope="module")
def description() -> Iterator[schemathesis.BaseSchema]:
    config = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": STATUSES}}})
    with served(FakeEngine()) as url:
        yield schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)


ASKED = ("/infer", "POST"), ("/infer/batch", "POST"), ("/health", "GET"), ("/metrics", "GET")


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("path", "method"), ASKED)
def test_every_answer_is_one_that_the_schema_describes(description, path, method, mode):
    operation = description[path][method]
    if mode is GenerationMode.NEGATIVE and not operation.body:
        return  # there is nothing to say to it, and so nothing wrong

    @given(case=operation.as_strategy(generation_mode=mode))
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
