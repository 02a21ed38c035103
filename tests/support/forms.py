"""Forms as a browser would send them: every field of a rendered form with its value."""

from html.parser import HTMLParser


class Forms(HTMLParser):
    """The forms of a page: [{"method", "action", "fields": [(name, value)]}]."""

    def __init__(self, page):
        super().__init__()
        self.found, self.select, self.area = [], None, None
        self.feed(page)

    def handle_starttag(self, tag, pairs):
        at = dict(pairs)
        if tag == "form":
            one = {"method": at.get("method", "get").lower(), "action": at.get("action", "")}
            self.found.append({**one, "fields": []})
        if not self.found or "disabled" in at or (not at.get("name") and tag != "option"):
            return
        if tag == "input":
            self._input(at)
        elif tag == "select":
            self.select = [at["name"], None]
        elif tag == "option" and self.select is not None:
            first = self.select[1] is None
            if first or "selected" in at:
                self.select[1] = at.get("value", "")
        elif tag == "textarea":
            self.area = [at["name"], ""]

    def _input(self, at):
        kind = at.get("type", "text")
        if kind == "file" or (kind in {"radio", "checkbox"} and "checked" not in at):
            return
        self._add(at["name"], at.get("value") or ("on" if kind == "checkbox" else ""))

    def handle_data(self, data):
        if self.area is not None:
            self.area[1] += data

    def handle_endtag(self, tag):
        if tag == "select" and self.select is not None:
            self._add(*self.select)
            self.select = None
        if tag == "textarea" and self.area is not None:
            self._add(*self.area)
            self.area = None

    def _add(self, name, value):
        self.found[-1]["fields"].append((name, value or ""))

    def with_field(self, name, **values):
        """Return the fields of the first form that has a field (with those values), as a dict."""
        for form in self.found:
            fields = dict(form["fields"])
            if name in fields and all(fields.get(k) == v for k, v in values.items()):
                return fields
        raise LookupError(name)


def entered(world, **more):
    """Return a new customer of sales as his form posts it, to be submitted at once."""
    return {
        "company": "武汉长江机械有限公司",
        "primary.name": "王伟",
        "primary.mobile": "13800138000",
        "region_code": "420111",
        "source_id": "销售开拓",
        "status": "new",
        "owner_id": str(world.id_of("sales")),
        "_submit": "1",
        **more,
    }
