import json

import pytest

from fer_lib.cli import doctor as command
from fer_lib.cli.doctor import format_results
from fer_lib.cli.main import main
from fer_lib.doctor import CheckResult

PASSED = CheckResult("weights", "emotion", True, "matches the SHA-256 of its model card")
FAILED = CheckResult("weights", "mtcnn_pnet", False, "the file is damaged; download it again")


@pytest.mark.parametrize(("results", "status"), [([PASSED], 0), ([PASSED, FAILED], 1)])
def test_doctor_status_is_1_after_a_failed_check(monkeypatch, capsys, results, status) -> None:
    monkeypatch.setattr(command, "check_installation", lambda settings: results)
    assert main(["doctor"]) == status
    assert main(["doctor", "--json"]) == status
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ok"] == (status == 0)
    assert set(report["checks"][0]) == {"topic", "name", "ok", "message"}


def test_format_results_ends_with_the_failed_checks() -> None:
    text = format_results([PASSED, FAILED])
    assert "!! mtcnn_pnet" in text
    assert text.splitlines()[-1] == "failed: mtcnn_pnet"
    assert "failed" not in format_results([PASSED])
