"""The manual lists what every entity takes from a file, as the declarations have it today."""

import re
from pathlib import Path

from babel.messages.pofile import read_po

from services.importing.file.reading import REMARKS
from services.importing.mapping import catalogue
from services.importing.mapping.declared import MODELS, inputs_for, parts_of
from services.importing.mapping.words import WORDS

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "import.md"
CATALOGUE = ROOT / "translations" / "en" / "LC_MESSAGES" / "messages.po"


def test_the_manual_is_up_to_date(lite):
    text = MANUAL.read_text(encoding="utf-8")

    with lite.app_context():
        assert catalogue.put_into(text) == text, "run flask import-fields --write docs/import.md"
        assert catalogue.tables() in text
    for noun, model in MODELS.items():
        assert f"### `{noun}`" in text
        for key, one in inputs_for(model).items():
            assert f"| `{key}` |" in text or f"Lines `{key}`" in text
            for part in parts_of(model, key) if one.kind == "lines" else ():
                assert f"| `{part}` |" in text


# What the prose says of files, not of screens.
OF_FILES = {"合计", "小计", "总计", "台账", "省", "市", "区", "年3月5日", "级"}
OF_FILES |= {"张伟", "共", "家", "制表人", "以下空白"}


def test_the_manual_calls_what_is_on_the_screens_by_its_name():
    prose = MANUAL.read_text(encoding="utf-8").split(catalogue.BEGIN)[0]
    said = set(re.findall("[一-鿿][一-鿿0-9（）/TOML]*", prose))
    with CATALOGUE.open("rb") as file:
        known = "\n".join(str(message.id) for message in read_po(file))
    known += "\n".join(REMARKS)

    assert sorted(word for word in said - OF_FILES if word not in known) == []
    assert {"下载列对应文件", "用列对应文件（TOML）"} <= said


def test_the_manual_offers_nothing_that_only_the_product_writes():
    assert "审批同步" not in MANUAL.read_text(encoding="utf-8")


def test_the_manual_explains_every_word_of_a_field():
    text = MANUAL.read_text(encoding="utf-8")

    assert [word for word in sorted(WORDS) if f"`{word}`" not in text] == []


def test_the_command_prints_the_fields_and_brings_a_document_up_to_date(lite, tmp_path):
    old = tmp_path / "old.md"
    old.write_text(f"# Ours\n{catalogue.BEGIN}\nold\n{catalogue.END}\nrest\n", encoding="utf-8")

    told = lite.test_cli_runner().invoke(args=["import-fields"])
    wrote = lite.test_cli_runner().invoke(args=["import-fields", "--write", str(old)])

    assert told.exit_code == wrote.exit_code == 0, wrote.output
    assert "### `customer` 客户" in told.output
    text = old.read_text(encoding="utf-8")
    assert text.startswith("# Ours\n")
    assert text.endswith("rest\n")
    assert "\nold\n" not in text
    assert told.output.strip() in text
