"""Large libraries wait until somebody needs them: a worker starts small and soon."""

import importlib.util
import subprocess
import sys
import threading

import pytest

from models.core.later import Later, later
from tests.support.databases import ROOT

START = """
import sys, admin_app
from models.core.later import Later
admin_app.create_app({"TCOS_ENV": "test", "SQLALCHEMY_DATABASE_URI": "sqlite://"})
waiting = {name for name, found in sys.modules.items() if isinstance(found, Later)}
loaded = {"boto3", "scipy", "sklearn", "weasyprint", "zxcvbn"} & {*sys.modules}
print(sorted(waiting), sorted(loaded))
"""
STANDARD = "colorsys"  # a module that nobody here has loaded


def test_a_start_loads_none_of_them():
    words = [sys.executable, "-c", START]
    out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    waiting = ["docx", "docxtpl", "faker", "numpy", "pandas", "pypinyin"]
    assert out.split("\n")[0] == f"{waiting} []"


@pytest.fixture
def waiting(monkeypatch):
    monkeypatch.delitem(sys.modules, STANDARD, raising=False)
    later(STANDARD)
    return sys.modules[STANDARD]


def test_whoever_asks_first_loads_it_and_many_at_once_get_the_same(waiting):
    assert isinstance(waiting, Later)
    found, gate = [], threading.Barrier(8)

    def ask():
        gate.wait()
        found.append(waiting.rgb_to_hsv)

    threads = [threading.Thread(target=ask) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [sys.modules[STANDARD].rgb_to_hsv] * 8
    assert not isinstance(sys.modules[STANDARD], Later)


def test_whoever_asks_whether_it_is_there_loads_nothing(waiting):
    assert importlib.util.find_spec(STANDARD).name == STANDARD
    assert sys.modules[STANDARD] is waiting


def test_what_is_loaded_already_stays(waiting):
    assert waiting.rgb_to_hls
    whole = sys.modules[STANDARD]

    later(STANDARD)

    assert sys.modules[STANDARD] is whole


def test_a_name_it_has_not_is_missing_as_ever(waiting):
    with pytest.raises(AttributeError):
        assert waiting.nothing
