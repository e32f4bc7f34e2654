"""The front matter is YAML with the metrics; the rest of the page is kept."""

import yaml

from fer_lib.evaluate.model_card.front_matter import (
    METRICS,
    dataset_of,
    replace_results,
    split_front_matter,
    split_name,
)

REPORT = {"accuracy": 0.71637, "balanced_accuracy": 0.6879, "macro_f1": 0.689, "ece": 0.0191}
PAGE = "---\nlicense: mit\ndatasets: [fer2013]\nmodel-index: []\n---\n# Card\n\n---\n"


def test_replace_results_values_written_rest_kept():
    page = replace_results(PAGE, {"name": "emotion", "metrics": {"test": REPORT}})
    front, rest = split_front_matter(page)
    read = yaml.safe_load(front)
    assert rest == "# Card\n\n---\n"
    assert read["license"] == "mit"
    (result,) = read["model-index"][0]["results"]
    assert result["dataset"] == {"type": "fer2013", "name": "FER2013 PrivateTest", "split": "test"}
    assert [one["value"] for one in result["metrics"]] == [round(REPORT[name], 4) for name in METRICS]


def test_replace_results_is_idempotent():
    card = {"metrics": {"validation": REPORT, "test": REPORT}}
    assert replace_results(replace_results(PAGE, card), card) == replace_results(PAGE, card)


def test_replace_results_without_metrics_or_front_matter():
    assert replace_results(PAGE, {}) == PAGE
    assert replace_results("# Card\n", {"metrics": {"test": REPORT}}) == "# Card\n"


def test_dataset_of_block_list_flow_list_and_none():
    assert dataset_of("---\ndatasets:\n- mine\n---\n") == "mine"
    assert dataset_of("---\ndatasets: [mine, other]\n---\n") == "mine"
    assert dataset_of("# Card\n") == "images"


def test_split_name_fer2013_and_other_data_sets():
    assert split_name("fer2013", "validation") == "PublicTest"
    assert split_name("mine", "validation") == "validation"
