"""An HTTP server that a test writes as a script, for what a decent one would never do.

    def script(conn):
        conn.request()                      # reads up to the empty line
        conn.respond(200, b"bytes", ETag="x")

    with WebServer(script, authority.issue("web.test")) as web:
        xmppctl("fetch", web.url("/file"), ca_file=authority.ca_file)

The script runs once per connection, in a thread of its own; when it returns, the connection is
closed with TLS's own word. What it raises, other than errors of the connection, is raised again
when the ``with`` block is left.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.servers.ca import Certificate
from tests.servers.ports import LOOPBACK

_TIMEOUT = 20.0


@dataclass(frozen=True)
class Request:
    """The head of a request; the names of ``headers`` are in lower case, in their order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key == name]


class WebConnection:
    """One client; every wait is bounded."""

    def __init__(self, server: WebServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self._read = b""

    def request(self) -> Request:
        """Read the head of a request."""
        while b"\r\n\r\n" not in self._read:
            self._read += self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = [line.partition(":") for line in lines]
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        request = Request(method, target, headers)
        self.server.requests.append(request)
        return request

    def body(self, size: int) -> bytes:
        """Read so many bytes of a body."""
        while len(self._read) < size:
            self._read += self._more()
        body, self._read = self._read[:size], self._read[size:]
        return body

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def head(self, status: int, *headers: str) -> None:
        """Send the head of a response, every header as it is."""
        lines = "".join(f"{header}\r\n" for header in headers)
        self.send(f"HTTP/1.1 {status} Told\r\n{lines}\r\n".encode())

    def respond(self, status: int, body: bytes = b"", *headers: str) -> None:
        """Send a whole response."""
        self.head(status, f"Content-Length: {len(body)}", "Connection: close", *headers)
        self.send(body)

    def wait(self) -> None:
        """Do nothing until the client goes away or the test is over."""
        with suppress(OSError):
            while self._more():
                pass

    def cut(self) -> None:
        """End the connection without TLS's own word."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the client closed the connection")
        return data


class WebServer:
    """Listens on loopback; https with a certificate, http without. ``requests``: all heads."""

    def __init__(
        self, script: Callable[[WebConnection], None], certificate: Certificate | None = None
    ) -> None:
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self._script = script
        self._context = certificate.server_context() if certificate is not None else None
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._over = False

    def __enter__(self) -> WebServer:
        self._socket = socket.create_server((LOOPBACK, 0))
        self.port = self._socket.getsockname()[1]
        self._spawn(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over = True
        for each in (self._socket, *self._open):
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._socket.close()
        if kind is None and self.errors:
            raise self.errors[0]

    def url(self, path: str, host: str = LOOPBACK) -> str:
        """The URL of a path here."""
        scheme = "https" if self._context is not None else "http"
        return f"{scheme}://{host}:{self.port}{path}"

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._over:
                connection, _ = self._socket.accept()
                connection.settimeout(_TIMEOUT)
                self._open.add(connection)
                self._spawn(self._serve, connection)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._context is not None:
                self._open.discard(sock)
                sock = self._context.wrap_socket(
                    sock, server_side=True, do_handshake_on_connect=False
                )
                self._open.add(sock)
                sock.do_handshake()
            self._script(WebConnection(self, sock))
            if isinstance(sock, ssl.SSLSocket):
                sock.settimeout(1)
                sock.unwrap()
        except OSError:  # the client's right
            pass
        except Exception as error:
            self.errors.append(error)
        finally:
            self._open.discard(sock)
            sock.close()
