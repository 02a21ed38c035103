"""No link of any page leads nowhere: the demo company walked link by link, as each role."""

import collections
import html
import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.screens.test_demo_pages import WHO, visitors  # noqa: F401 # a fixture

pytestmark = pytest.mark.soak
HOST = "http://localhost"
LINK = re.compile(r'<a [^>]*href="([^"#]+)"')
OF_ONE_KIND = 2  # pages of one route with the same parameters
OF_ONE_ROUTE = 14


def links(address, text):
    """Yield the addresses of this product that a page leads to."""
    for found in LINK.findall(text):
        parts = urlsplit(urljoin(HOST + address, html.unescape(found)))
        if parts.netloc == urlsplit(HOST).netloc and not parts.path.startswith("/static"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.mark.parametrize("who", WHO)
def test_every_link_leads_somewhere(visitors, who):  # noqa: F811
    routes = visitors.app.url_map.bind("localhost")
    seen, came, todo, broken = collections.Counter(), {}, ["/admin/"], []
    while todo:
        address = todo.pop(0)
        path, _mark, asked = address.partition("?")
        route, _values = routes.match(path, method="GET")
        kind = (route, *sorted(re.findall(r"([\w.]+)=", asked)))
        if seen[kind] == OF_ONE_KIND or seen[route] == OF_ONE_ROUTE:
            continue
        seen[kind] += 1
        seen[route] += 1
        answer = visitors.get(who, address)
        if answer.status_code >= 400:
            broken.append((answer.status_code, address, came.get(address)))
        if "html" in (answer.content_type or ""):
            for one in links(address, answer.get_data(as_text=True)):
                if one not in came:
                    came[one] = address
                    todo.append(one)
        answer.close()

    assert broken == []
    assert len(seen) > 50
