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
PARTS = """
import sys, models
import docxtpl.template, docx.oxml.ns, numpy.random, pandas.core.frame, pypinyin.constants
import faker.providers.date_time
import docx, docxtpl, numpy, pandas, pypinyin, faker
for name, found in list(sys.modules.items()):
    parent, _dot, part = name.rpartition(".")
    if parent.partition(".")[0] in {"docx", "docxtpl", "numpy", "pandas", "pypinyin", "faker"}:
        held = getattr(sys.modules[parent], part, found)
        if type(held) is type(sys) and held is not found:
            print("twice", name)
        if found.__spec__ is not None and type(found.__spec__.loader).__name__ == "There":
            print("changed", name)
docx.oxml.ns.qn, docx.Document, pandas.DataFrame([1]).sum(), pypinyin.lazy_pinyin("中")
print("done")
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


def test_a_library_that_is_first_asked_for_a_part_of_it_is_loaded_once():
    words = [sys.executable, "-c", PARTS]
    out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert out == "done\n"


@pytest.mark.parametrize("first", ["services.deals.papers.word", "services.deals.papers.making"])
def test_the_first_paper_of_a_process_can_be_made(first):
    make = f"import models, {first}, services.deals.papers.word as word"
    begin = "word.docxtpl.DocxTemplate(word.io.BytesIO(word.standard()))"
    words = [sys.executable, "-c", f"{make}; {begin}; print('made')"]
    out = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert out == "made\n"
