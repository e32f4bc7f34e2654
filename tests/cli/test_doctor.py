import json

import pytest

from fer_lib.cli import doctor as command
from fer_lib.cli.doctor import in_words
from fer_lib.cli.main import main
from fer_lib.doctor import Finding

WELL = Finding("weights", "emotion", True, "as its card says")
ILL = Finding("weights", "mtcnn_pnet", False, "the file is damaged; bring it back")


@pytest.mark.parametrize(("findings", "status"), [([WELL], 0), ([WELL, ILL], 1)])
def test_doctor_exits_with_1_if_something_is_wrong(monkeypatch, capsys, findings, status) -> None:
    monkeypatch.setattr(command, "examine", lambda settings: findings)
    assert main(["doctor"]) == status
    assert main(["doctor", "--json"]) == status
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ok"] == (status == 0)
    assert set(report["findings"][0]) == {"about", "name", "ok", "says"}


def test_in_words_repeats_what_is_wrong_at_the_end() -> None:
    text = in_words([WELL, ILL])
    assert "!! mtcnn_pnet" in text
    assert text.endswith("wrong: mtcnn_pnet")
    assert in_words([WELL]).endswith("all is well")
