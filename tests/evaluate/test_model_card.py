"""The page of the shipped weights agrees with the JSON file of the model card."""

import re

import pytest
import yaml

from fer_lib.evaluate.model_card.front_matter import METRICS, replace_results, split_front_matter
from fer_lib.evaluate.model_card.record import END, START, format_card
from fer_lib.weights import read_card


@pytest.fixture
def card(project_root):
    return read_card(project_root / "weights" / "emotion.json")


@pytest.fixture
def page(project_root):
    return (project_root / "weights" / "README.md").read_text(encoding="utf-8")


def test_page_has_at_most_120_lines(page):
    assert len(page.splitlines()) <= 120


def test_page_tables_equal_the_card(page, card):
    section = page.partition(START)[2].partition(END)[0]
    assert section.strip() == format_card(card, "fer2013")
    for report in card["metrics"].values():
        assert f"{100 * report['accuracy']:.1f} % (" in section


def test_page_front_matter_equals_the_card(page, card):
    assert replace_results(page, card) == page
    front = yaml.safe_load(split_front_matter(page)[0])
    assert {"license", "library_name", "pipeline_tag", "tags", "datasets", "metrics", "model-index"} <= set(front)
    (model,) = front["model-index"]
    assert [one["dataset"]["name"] for one in model["results"]] == ["FER2013 PublicTest", "FER2013 PrivateTest"]
    for result in model["results"]:
        report = card["metrics"][result["dataset"]["split"]]
        assert [one["value"] for one in result["metrics"]] == [round(report[name], 4) for name in METRICS]


def test_page_history_starts_with_the_shipped_weights(page, card):
    newest = re.search(r"^\| [\d-]{10} \| `(\w+)` \| ([\d.]+) % \| ([\d.]+) \|", page, re.MULTILINE)
    validation = card["metrics"]["validation"]
    assert card["sha256"].startswith(newest[1])
    assert newest[2] == f"{100 * validation['accuracy']:.1f}"
    assert newest[3] == f"{validation['macro_f1']:.3f}"


def test_robustness_figure_is_small(project_root):
    assert (project_root / "docs" / "robustness.png").stat().st_size < 60_000
