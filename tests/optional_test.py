import sys

import pytest

from keras_asym.optional import check_optional, import_optional


def test_a_module_that_is_there():
    import json.decoder

    assert import_optional("json.decoder", "x", "This needs JSON") is json.decoder
    check_optional("json", "x", "This needs JSON")


def test_a_module_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"^This needs torch: pip install 'keras_asym\[torch\]'$"):
        check_optional("torch", "torch", "This needs torch")
    message = r"^This needs torch: pip install 'keras_asym\[torch\]', or that \(.*torch.*\)$"
    with pytest.raises(ImportError, match=message):
        import_optional("torch", "torch", "This needs torch", ", or that")


def test_an_installed_package_that_is_broken(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import a_part_that_is_missing")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="a_part_that_is_missing"):
        import_optional("broken_package", "x", "This needs it")
