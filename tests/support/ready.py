"""Interpreters that stand ready: a test's own processes begin without three seconds of imports.

A server process has imported what programs of a kind need and forks for each of them. A program is
a process of its own, with its own files, environment and exit status, and dies of kill -9 like any.
`PRODUCT` has the whole application imported. `LIBRARIES` has what it is built on, for programs of
another tree: they import their code by themselves.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from tests.support import clock

ROOT = Path(__file__).resolve().parents[2]
PIPE = subprocess.PIPE
NULL = subprocess.DEVNULL
SERVERS = []


class Server:
    """Forks programs; started when the first one is asked for."""

    def __init__(self, *modules):
        self.modules, self.process, self.line = modules, None, None
        SERVERS.append(self)

    def start(self, words, *, environment=None, cwd=ROOT, **files):
        """Run `python WORDS` (`-m module …` or `-c code …`); return the Program.

        `stdin`, `stdout` and `stderr` may be PIPE or NULL; who is not named shares the test's.
        """
        with contextlib.ExitStack() as theirs:
            fds, mine = _files(files, theirs)
            given = dict(os.environ) if environment is None else environment
            asked = {"words": words, "cwd": str(cwd), "environment": given, "begun": clock.begun}
            own, other = socket.socketpair()
            theirs.callback(other.close)
            self._serve()
            text = json.dumps(asked).encode() + b"\n"
            sent = socket.send_fds(self.line, [text], [other.fileno(), *fds])
            self.line.sendall(text[sent:])
        return Program(words, own, mine)

    def run(self, words, **options):
        """Run to the end; return (status, stdout, stderr)."""
        with self.start(words, stdin=NULL, stdout=PIPE, stderr=PIPE, **options) as program:
            out, error = program.communicate()
            return program.returncode, out, error

    def _serve(self):
        if self.process is not None:
            return
        self.line, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.ready", *self.modules],
            cwd=ROOT, stdin=theirs,
        )  # fmt: skip
        theirs.close()

    def close(self):
        """Let the server go: it ends with its line."""
        if self.process is not None:
            self.line.close()
            self.process.wait()
            self.process = None


def _files(files, theirs):
    """Return ([descriptor for 0, 1, 2], {name: this end of its pipe})."""
    fds, mine = [], {}
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        kind = files.get(name)
        if kind is None:
            fds.append(number)
            continue
        if kind == NULL:
            fd = os.open(os.devnull, os.O_RDWR)
        else:
            ends = os.pipe()
            fd = ends[0] if number == 0 else ends[1]
            own, mode = (ends[1], "w") if number == 0 else (ends[0], "r")
            mine[name] = os.fdopen(own, mode, encoding="utf-8")  # closed by the Program
        theirs.callback(os.close, fd)
        fds.append(fd)
    return fds, mine


class Program:
    """A started program, with the handful of things a test does with a Popen."""

    def __init__(self, words, line, files):
        self.words, self.line, self.files = words, line.makefile("r"), files
        line.close()
        self.pid = int(self.line.readline())
        self.returncode = None
        self.stdin, self.stdout, self.stderr = map(files.get, ("stdin", "stdout", "stderr"))

    def __enter__(self):
        return self

    def __exit__(self, *_problem):
        self.wait()

    def wait(self):
        """Wait for its end, close what is left of its files and return its status."""
        if self.returncode is None:
            self.returncode = int(self.line.readline())
            self.line.close()
            for file in self.files.values():
                file.close()
        return self.returncode

    def kill(self):
        """Kill -9 it, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def communicate(self):
        """Read both streams to their end, wait, and return them."""
        found = {}

        def read(name):
            found[name] = self.files[name].read()

        if self.stdin is not None:
            self.stdin.close()
        readers = [threading.Thread(target=read, args=(n,)) for n in self.files if n != "stdin"]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.wait()
        return found.get("stdout"), found.get("stderr")


def close():
    """Let every server go."""
    for server in SERVERS:
        server.close()


LIBRARIES = Server(
    "flask.cli", "flask_admin", "flask_babel", "flask_migrate", "flask_security",
    "flask_sqlalchemy", "flask_wtf", "alembic.command", "sqlalchemy.orm", "psycopg", "pandas",
    "plotly.graph_objects", "openpyxl", "xlsxwriter", "pypinyin", "phonenumbers",
    "chinese_calendar", "huey", "faker",
)  # fmt: skip
PRODUCT = Server("admin_app", "cli", "services.entity_rules", "tests.support.world", "flask.cli")


# -- in the server ---------------------------------------------------------------------------------


def serve(modules):
    """Import the modules, then fork for whoever asks on standard input."""
    line = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    for name in modules:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a program would copy every page it looks at
    while True:
        text, fds, _flags, _sender = socket.recv_fds(line, 2**16, 4)
        if not text:
            return
        while not text.endswith(b"\n"):
            text += line.recv(2**16)
        if os.fork() == 0:
            line.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(json.loads(text), *fds)
        for fd in fds:
            os.close(fd)


def _watch(asked, line, *files):
    """Be the parent of the program: tell its number, and its status when it has ended."""
    pid = os.fork()
    if pid == 0:
        os.close(line)
        _begin(asked, files)
    for fd in (0, 1, 2, *files):
        os.close(fd)
    os.write(line, f"{pid}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):  # the test may have gone
        os.write(line, f"{status}\n".encode())
    os._exit(0)


def _begin(asked, files):
    """Become the program."""
    for number, fd in enumerate(files):
        os.dup2(fd, number)
        os.close(fd)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    sys.path[0] = asked["cwd"]
    if Path(asked["cwd"]) != ROOT:
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]  # another tree has its own
    elif "services.core.clock" in sys.modules:
        # A program that had the machine's time would sweep away next year what a test just made.
        clock.begun = asked["begun"]
        sys.modules["services.core.clock"].system = clock.now
    random.seed()
    kind, what, *rest = asked["words"]
    sys.argv = [what, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<words>", "exec"), {"__name__": "__main__"})  # noqa: S102
    raise SystemExit


if __name__ == "__main__":
    serve(sys.argv[1:])
