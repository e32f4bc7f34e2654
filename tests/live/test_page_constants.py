import runpy


def test_page_constants_are_up_to_date(project_root):
    constants = runpy.run_path(str(project_root / ".ci" / "page_constants.py"))
    assert constants["TARGET"].read_text(encoding="utf-8") == constants["page_constants"]()


def test_main_check_detects_a_difference(project_root, tmp_path, capsys):
    main = runpy.run_path(str(project_root / ".ci" / "page_constants.py"))["main"]
    main.__globals__["TARGET"] = tmp_path / "protocol_constants.js"
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
