"""The webhook receiver of a page, listening on a free port in place of the one that the page names."""

import json
import re
import threading
from http.server import HTTPServer
from typing import Any


class Listening:
    """Runs a page's ```` ```python ```` block. What the page calls `127.0.0.1:8900` is the real port meanwhile."""

    def __init__(self, source: str) -> None:
        self.namespace: dict[str, Any] = {"__name__": "receiver"}
        exec(compile(source, "docs", "exec"), self.namespace)  # our own page
        (self.written,) = set(re.findall(r"127\.0\.0\.1:\d+", _addresses(source)))
        self.server = HTTPServer(("127.0.0.1", 0), self.namespace["Receiver"])
        self.real = f"127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def secret(self) -> str:
        found: str = self.namespace["SECRET"]
        return found

    @secret.setter
    def secret(self, value: str) -> None:
        self.namespace["SECRET"] = value

    def last(self) -> Any:
        """The body that was heard last."""
        return list(self.namespace["heard"].values())[-1]

    def as_sent(self, text: str) -> str:
        return text.replace(self.written, self.real)

    def as_written(self, body: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(json.dumps(body).replace(self.real, self.written))
        return found

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(5)


def _addresses(source: str) -> str:
    """`("127.0.0.1", 8900)` as it is written in an address."""
    return re.sub(r'"127\.0\.0\.1", (\d+)', r"127.0.0.1:\1", source)
