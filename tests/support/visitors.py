"""Browsers of the demo people: logged in once through the real form, posting with real tokens."""

import contextlib

from tests.support.world import login, token_of

AJAX = {"X-Requested-With": "XMLHttpRequest"}


class Visitors:
    """One client a person of an application; `None` is somebody who is not logged in.

    Answers are read to their end: a stream left open would keep its context for the next request.
    """

    def __init__(self, app):
        self.app, self.clients, self.tokens = app, {}, {}

    def client(self, who):
        if who not in self.clients:
            self.clients[who] = self.app.test_client()
            if who is not None:
                assert login(self.clients[who], who).status_code == 302
        return self.clients[who]

    def get(self, who, path, **options):
        return self.client(who).get(path, buffered=True, **options)

    def token(self, who):
        """Return the token that a page of this session shows."""
        if who not in self.tokens:
            page = self.get(who, "/admin/profile/" if who else "/login")
            self.tokens[who] = token_of(page.get_data(as_text=True))
        return self.tokens[who]

    def post(self, who, path, data=None, **options):
        """Post a form with the session's token."""
        form = {"csrf_token": self.token(who), **(data or {})}
        return self.client(who).post(path, data=form, buffered=True, **options)

    def forget(self, who):
        """Start this person's session anew the next time."""
        self.clients.pop(who, None)
        self.tokens.pop(who, None)


class Doors(Visitors):
    """Browsers beside the services of the same application: never inside of their context."""

    def __init__(self, world):
        super().__init__(world.app)
        self.world, self.away = world, False

    @contextlib.contextmanager
    def outside(self):
        if self.away:
            yield
            return
        self.away = True
        self.world.__exit__()
        try:
            yield
        finally:
            self.world.__enter__()
            self.away = False

    def get(self, who, path, **options):
        with self.outside():
            return super().get(who, path, **options)

    def post(self, who, path, data=None, **options):
        with self.outside():
            return super().post(who, path, data, **options)
