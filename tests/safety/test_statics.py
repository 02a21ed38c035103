"""Scripts and styles: their address is their content, they are kept for ever and leave packed."""

import gzip
import re

import brotli
import pytest

from views.setup.statics import digest_of

HOUR = "max-age=3600"


def _addresses(target):
    page = target.get("sales", "/admin/customer/").get_data(as_text=True)
    return set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))


def test_every_address_on_a_page_names_its_content_and_is_kept_for_ever(target):
    found = _addresses(target)

    assert len(found) > 5
    for address in found:
        answer = target.get(None, address.replace("&amp;", "&"))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"], address


@pytest.mark.parametrize("query", ["", "?v=0123456789ab"])
def test_an_address_of_another_version_is_kept_an_hour_at_most(target, query):
    answer = target.get(None, f"/static/tcos.css{query}")

    assert answer.status_code == 200
    assert HOUR in answer.headers["Cache-Control"]
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("packing", ["br", "gzip"])
def test_they_leave_packed_and_are_the_same_unpacked(target, packing):
    address = next(one for one in _addresses(target) if "tcos.css" in one)
    plain = target.get(None, address)
    packed = target.get(None, address, headers={"Accept-Encoding": packing})

    assert packed.headers["Content-Encoding"] == packing
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.get_data()) * 2 < len(plain.get_data())
    assert _unpacked(packed.get_data(), packing) == plain.get_data()


def test_a_change_of_the_file_changes_its_address(tmp_path):
    file = tmp_path / "a.css"
    file.write_text("a {}")
    first = digest_of(str(tmp_path), "a.css")
    file.write_text("a { color: red }")

    assert digest_of(str(tmp_path), "a.css") != first
    assert digest_of(str(tmp_path), "none.css") == ""


def test_a_page_with_a_token_is_not_packed(target):
    answer = target.get("sales", "/admin/customer/new/", headers={"Accept-Encoding": "br, gzip"})

    assert "csrf_token" in answer.get_data(as_text=True)
    assert "Content-Encoding" not in answer.headers


def test_the_data_of_a_summary_leaves_packed(target):
    answer = target.get(
        "analyst", "/admin/cockpit/tracking/data.json", headers={"Accept-Encoding": "br"}
    )

    assert answer.headers["Content-Encoding"] == "br"
    assert answer.headers["Cache-Control"] == "no-store"


def _unpacked(data, packing):
    return brotli.decompress(data) if packing == "br" else gzip.decompress(data)
