"""Somebody at the import screens, by forms alone."""

import io
import re

import sqlalchemy as sa

from models.customers.customer import Customer
from tests.support.visitors import Visitors
from tests.support.world import World, token_of

SURE = {"approval": "submitted", "key": ""}


class Office:
    """Somebody at the import screens; `column` is the field of the last column."""

    def __init__(self, app, who="office"):
        self.app, self.who, self.visitors = app, who, Visitors(app)

    def page(self, path):
        return self.visitors.get(self.who, path).get_data(as_text=True)

    def post(self, verb, **data):
        token = token_of(self.page("/admin/import/"))
        data |= {"csrf_token": token}
        path = f"/admin/import/{verb}/"
        return self.visitors.client(self.who).post(path, data=data, buffered=True)

    def upload(self, content, noun="customer", name="客户.csv"):
        answer = self.post("upload", noun=noun, file=(io.BytesIO(content), name))
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return int(answer.location.rsplit("=", 1)[1])

    def chosen(self, job):
        """Return the columns as the form shows them."""
        page = self.page(f"/admin/import/job/?id={job}")
        found = {}
        for name, body in re.findall(r'name="(column-\d+)">(.*?)</select>', page, re.DOTALL):
            pick = re.search(r'value="([^"]*)" selected', body)
            found[name] = pick[1] if pick else ""
        return found

    def check(self, job, **changes):
        answer = self.post("check", id=str(job), **(self.chosen(job) | SURE | changes))
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return self.page(f"/admin/import/job/?id={job}")

    def run(self, job, **options):
        return self.post("run", id=str(job), **options)

    def customers(self):
        with World(self.app) as world:
            return list(world.session.scalars(sa.select(Customer).order_by(Customer.id)))
