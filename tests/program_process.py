"""The warm process behind `programs.Programs`: it has imported everything and forks once for each `oms …`.

A line of JSON on stdin (`arguments`, `environment`, `folder`, `out`, `err`) starts one; lines of JSON on stdout tell
`{"started": pid}` and `{"ended": pid, "status": n}`. At the end of input whatever still runs is killed.
"""

import json
import os
import signal
import sys
from typing import Any

from oms_api import bell, cli, demo, dev, doctor  # noqa: F401 - imported before, not after, the fork
from oms_api.domains import parts

running: set[int] = set()


def tell(**words: Any) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")  # not print: a signal handler calls it too


def reap(*_: Any) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        running.discard(pid)
        tell(ended=pid, status=os.waitstatus_to_exitcode(status))


def become(ask: dict[str, Any]) -> None:
    """The rest of this process is the command, as if it had just been started."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(ask["folder"])
    for number, path in ((0, os.devnull), (1, ask["out"]), (2, ask["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()
    os.environ.update(ask["environment"])
    sys.argv = ["oms", *ask["arguments"]]
    cli.main()


def main() -> None:
    for name in ("graphql", "jobs", "models", "doctor"):
        parts(name)
    signal.signal(signal.SIGCHLD, reap)
    tell(ready=os.getpid())
    for line in sys.stdin:
        ask = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # nothing ends before it is said to have started
        pid = os.fork()
        if not pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            become(ask)
            return
        running.add(pid)
        tell(started=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for pid in list(running):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
