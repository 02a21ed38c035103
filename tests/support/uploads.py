"""Files to attach: real ones of every kind that is taken, and what must never come in."""

import io
import zipfile

from tests.support.world import login, token_of

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 40
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 40
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def zipped(**members):
    """Return a zip; a double underscore in a key stands for a slash, a single dot for itself."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/"), text)
    return buffer.getvalue()


def office(part, **more):
    """Return an office file with its main part and further members."""
    return zipped(**{"[Content_Types].xml": "<x/>", "_rels/.rels": "<x/>", part: "<x/>", **more})


GOOD = {
    "合同扫描件.pdf": PDF,
    "现场.PNG": PNG,
    "照片.jpg": JPEG,
    "动图.gif": b"GIF89a" + b"\0" * 20,
    "图.webp": b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 20,
    "图.bmp": b"BM" + b"\0" * 60,
    "方案.docx": office("word/document.xml"),
    "报价.xlsx": office("xl/workbook.xml"),
    "介绍.pptx": office("ppt/presentation.xml"),
    "发票.ofd": zipped(**{"OFD.xml": "<x/>"}),
    "旧方案.doc": OLE,
    "旧报价.xls": OLE,
    "说明.txt": "交期以合同为准".encode(),
    "清单.csv": "名称,数量\r\n控制器,3\r\n".encode("gb18030"),
    "资料.zip": zipped(**{"合同.pdf": PDF, "图/现场.png": PNG, ".DS_Store": "x"}),
}
BAD = {
    "html": ("a.html", HTML),
    "svg": ("a.svg", SVG),
    "script": ("a.js", b"alert(1)"),
    "shell": ("a.sh", b"#!/bin/sh\n"),
    "program": ("a.exe", b"MZ" + b"\0" * 60),
    "no suffix": ("合同", PDF),
    "only a suffix": (".pdf", PDF),
    "php behind a picture's name": ("a.png.php", PNG),
    "html called png": ("a.png", HTML),
    "svg called jpg": ("a.jpg", SVG),
    "html called txt": ("a.txt", b"\xef\xbb\xbf  \n" + HTML),
    "script called txt": ("a.txt", b"#!/bin/sh\nrm"),
    "binary called txt": ("a.txt", b"MZ\0\x01"),
    "program called pdf": ("a.pdf", b"MZ" + b"\0" * 60),
    "zip called docx": ("a.docx", zipped(**{"a.txt": "x"})),
    "docx called xlsx": ("a.xlsx", office("word/document.xml")),
    "xlsx with a macro": ("a.xlsx", office("xl/workbook.xml", **{"xl/vbaProject.bin": "x"})),
    "macro workbook": ("a.xlsm", office("xl/workbook.xml")),
    "old file with a macro": ("a.doc", OLE + "_VBA_PROJECT".encode("utf-16-le")),
    "script in a zip": ("a.zip", zipped(**{"图/a.js": "alert(1)"})),
    "page in a zip": ("a.zip", zipped(**{"a.html": "<b>"})),
    "no suffix in a zip": ("a.zip", zipped(**{"b.c/pdf": PDF})),
    "zip in a zip": ("a.zip", zipped(**{"b.zip": zipped(**{"a.exe": "x"})})),
    "way out of a zip": ("a.zip", zipped(**{"../../a.txt": "x"})),
    "page before a zip": ("a.zip", HTML + zipped(**{"a.txt": "x"})),
    "broken zip": ("a.zip", zipped(**{"a.txt": "x"})[:30]),
    "empty": ("a.txt", b""),
    "nothing": ("", b""),
    "dots": ("../..", PDF),
    "NUL in the name": ("a\0.pdf", PDF),
    "line break in the name": ("a\r\nSet-Cookie: x=1.pdf", PDF),
    "reversed name": ("a\u202efdp.pdf", PDF),
    "name too long": ("长" * 197 + ".pdf", PDF),
}


class Desk:
    """A person's browser on the card of attachments."""

    def __init__(self, app, who):
        self.client = app.test_client()
        login(self.client, who)
        self.token = token_of(self.client.get("/admin/profile/").get_data(as_text=True))

    def attach(self, noun, key, name="合同.pdf", content=PDF, **more):
        data = {"csrf_token": self.token, "id": key, "file": (io.BytesIO(content), name), **more}
        return self.client.post(f"/admin/{noun}/attach/", data=data)

    def detach(self, noun, key):
        return self.client.post(
            f"/admin/{noun}/detach/", data={"csrf_token": self.token, "id": key}
        )

    def download(self, noun, key):
        return self.client.get(f"/admin/{noun}/attachment/?id={key}", buffered=True)

    def page(self, noun, key):
        return self.client.get(f"/admin/{noun}/details/?id={key}").get_data(as_text=True)
