"""Programs of the project as forks of a process that has imported what they import.

Importing the libraries takes longer than most of what a test asks of a program: here it is paid
once for many. Each program is a process of its own all the same, a child of whoever starts it, with
streams, folder and environment of its own, and it ends as one does. What Python or a library reads
of the environment as it begins is the server's: a program that is given other than that is started
afresh, and so is one that isn't ours. Knows how a process is forked and handed over; knows nothing
of what programs do.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import inspect
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

LIGHT = (
    "click", "duckdb", "faiss", "numpy", "pyarrow", "rich.console", "rich.table", "scipy.stats",
    "explorer.about.index", "explorer.api", "explorer.cli.question", "explorer.sql.ask",
    "indexer.cli", "indexer.exporting", "indexer.importing", "indexer.store.ahead",
    "indexer.store.verify",
)  # fmt: skip
"""What a question, an import or a look at an index imports."""

HEAVY = (
    *LIGHT, "accelerate", "gguf", "torch", "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.llama.modeling_llama", "wordfreq", "indexer.build", "indexer.catalog",
    "indexer.check", "indexer.contexts", "indexer.encode",
)  # fmt: skip
"""What runs a model imports besides."""

READ_LATE = (
    *("COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"),
    *("HOME", "PATH", "PYTEST_CURRENT_TEST", "_EXPLORER_COMPLETE", "_INDEXER_COMPLETE"),
    *("COMP_WORDS", "COMP_CWORD", "OPENBLAS_THREAD_TIMEOUT"),
)
"""Variables that are read as they are needed, or decide no answer, besides those of ours."""

SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of <linux/prctl.h>."""

_libc = ctypes.CDLL(None)
_alone = threading.Lock()


class Server:
    """A process that has imported what programs need, and forks.

    Args:
        channel: how it is asked.
        environment: that it was started with.
    """

    def __init__(self, channel: socket.socket, environment: Mapping[str, str]) -> None:
        self.channel, self._environment = channel, environment

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether a process with such an environment can be forked here."""
        names = environment.keys() | self._environment.keys()
        differ = {n for n in names if environment.get(n) != self._environment.get(n)}
        return all(n in READ_LATE or n.startswith(("EXPLORER_", "XDG_")) for n in differ)

    def fork(self, order: dict[str, Any], streams: Sequence[int]) -> int:
        """Start what is ordered with these for stdin, stdout and stderr; the pid of a child."""
        with _alone:
            # Whose parent ends belongs to the nearest who asks for it; nobody else's orphans do.
            _libc.prctl(SUBREAPER, 1, 0, 0, 0)
            try:
                socket.send_fds(self.channel, [json.dumps(order).encode()], streams)
                return int(self.channel.recv(32))
            finally:
                _libc.prctl(SUBREAPER, 0, 0, 0, 0)


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


_servers: dict[tuple[str, ...], Server] = {}
"""By what they have imported. In a process that was forked there is one, for whatever it has."""


def server(modules: tuple[str, ...]) -> Server | None:
    """One that has imported these; in a process that was forked, where there is one."""
    if modules not in _servers and _of_a_test:
        ours, theirs = _pair()
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno()), *modules]
            null = subprocess.DEVNULL
            fds = [theirs.fileno()]
            _processes.append(
                subprocess.Popen(command, stdin=null, pass_fds=fds, start_new_session=True)
            )
        _servers[modules] = Server(ours, dict(os.environ))
    return _servers.get(modules)


_of_a_test = __name__ != "__main__"
_processes: list[subprocess.Popen[bytes]] = []


def pids() -> set[int]:
    """Of the servers of this process."""
    return {one.pid for one in _processes}


def close() -> None:
    """End every server of this process; what they forked goes on."""
    while _servers:
        _servers.popitem()[1].channel.close()
    while _processes:
        _processes.pop().wait()


class Forked(subprocess.Popen[Any]):
    """A process as `subprocess` starts it: forked where it is a program of ours, else afresh."""

    def _execute_child(self, *given: Any) -> None:
        """Start it; `subprocess` has made the pipes, and waits for it, whichever way it began."""
        bound = inspect.signature(_execute_child).bind(self, *given)
        how = bound.arguments
        environment = dict(os.environ if how["env"] is None else how["env"])
        known = _known([os.fspath(one) for one in how["args"]])
        found = server(known[0]) if known else None
        if known is None or found is None or not found.serves(environment):
            _execute_child(self, *given)
            return
        ends = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        theirs = zip((how["p2cread"], how["c2pwrite"], how["errwrite"]), (0, 1, 2), strict=True)
        order = {
            **known[1],
            "cwd": os.fspath(how["cwd"] or os.getcwd()),
            "env": environment,
            "session": how["start_new_session"],
        }
        self.pid = found.fork(order, [one if one >= 0 else own for one, own in theirs])
        self._child_created = True
        self._close_pipe_fds(*(how[end] for end in ends))  # type: ignore[attr-defined]


_execute_child = subprocess.Popen._execute_child  # type: ignore[attr-defined]

_SCRIPTS = {"explorer": "program", "indexer": "main"}
"""What the console scripts run."""

_STARTING = {
    *(("explorer", "sql"), ("explorer", "schema")),
    *(("indexer", "build"), ("indexer", "import")),
}
"""Commands that start programs of ours themselves."""

_MODULE = """
import runpy, sys
sys.modules.pop(sys.argv[0], None)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def _known(command: list[str]) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """The modules that a program of ours needs, and its code and arguments; None of any other."""
    name, *arguments = Path(command[0]).name, *command[1:]
    if sys.platform != "linux":
        return None
    if command[0] == sys.executable:
        arguments = arguments[1:] if arguments[:1] == ["-P"] else arguments
        if arguments[:1] == ["-m"] and arguments[1] in ("explorer", "indexer.store.verify"):
            return LIGHT, {"code": _MODULE, "argv": arguments[1:], "starts": False}
        workers = {"indexer.worker": HEAVY, "explorer.sql.worker": LIGHT}
        if arguments[:1] == ["-c"] and len(arguments) > 3 and arguments[3] in workers:
            modules, code = workers[arguments[3]], arguments[1]
            return modules, {"code": code, "argv": ["-c", *arguments[2:]], "starts": False}
    elif Path(command[0]).parent == Path(sys.executable).parent and name in _SCRIPTS:
        function, asked = _SCRIPTS[name], (name, *arguments[:1])
        code = f"import sys; from {name}.cli import {function}; sys.exit({function}())"
        modules = HEAVY if asked == ("indexer", "build") else LIGHT
        return modules, {"code": code, "argv": command, "starts": asked in _STARTING}
    return None


def serve(channel: socket.socket) -> dict[str, Any]:
    """Fork for whoever asks; returns in each process that was forked, with what it is to be."""
    while True:
        data, fds, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not data:
            os._exit(0)
        read, write = os.pipe()
        between = os.fork()
        if not between:
            if pid := os.fork():
                os.write(write, b"%d" % pid)
                os._exit(0)
            for fd in (read, write, channel.detach()):
                os.close(fd)
            for at, fd in enumerate(fds):
                os.dup2(fd, at)
                os.close(fd)
            return dict(json.loads(data))
        os.close(write)
        pid_of_it = os.read(read, 32)
        os.waitpid(between, 0)  # from now on it is a child of who asked
        for fd in (read, *fds):
            os.close(fd)
        channel.send(pid_of_it)


def become(order: dict[str, Any]) -> None:
    """Take over what a process that is started would have."""
    if order["session"]:
        os.setsid()
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, at, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        before = getattr(sys, name)
        raw = open(at, f"{mode}b", closefd=False)  # noqa: SIM115  as long as the process
        lines = name == "stderr" or raw.isatty()
        kept = {"encoding": before.encoding, "errors": before.errors}
        stream = io.TextIOWrapper(raw, **kept, line_buffering=mode == "w" and lines)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def ended(code: str) -> int:
    """Run a program to its end, as Python does but for taking its modules apart; the exit code."""
    status: Any = 0
    try:
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        status = 0 if end.code is None else end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return int(status)


def _own_server() -> None:
    """Leave one behind for what this process, which was forked just now, will start itself."""
    ours, theirs = _pair()
    if os.fork():
        theirs.close()
        served = (LIGHT, HEAVY) if "torch" in sys.modules else (LIGHT,)
        _servers.update(dict.fromkeys(served, Server(ours, _base)))
        subprocess.Popen = Forked  # type: ignore[misc]
        return
    ours.close()
    null = os.open(os.devnull, os.O_RDWR)
    for at in (0, 1, 2):
        os.dup2(null, at)
    _start(serve(theirs))


_base = dict(os.environ)
"""What this process began with."""


def _start(order: dict[str, Any]) -> None:
    """Run what was ordered, in the process that was forked for it."""
    become(order)
    if order["starts"]:
        _own_server()
    os._exit(ended(order["code"]))


def _main(descriptor: int, modules: Sequence[str]) -> None:
    for module in modules:
        with contextlib.suppress(ImportError):  # whoever needs it says so
            import_module(module)
    gc.collect()
    gc.freeze()  # what is here is not looked through again in every process
    _start(serve(socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    sys.path = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    _main(int(sys.argv[1]), sys.argv[2:])
