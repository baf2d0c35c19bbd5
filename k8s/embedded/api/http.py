"""The HTTPS side: one thread a connection, requests in, replies and watch streams out."""

import logging
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from k8s.embedded.api.calls import Cluster, Reply, encode, refusal
from k8s.embedded.api.dispatch import Request, handle
from k8s.embedded.objects.errors import ApiError
from k8s.embedded.store import Closed

log = logging.getLogger(__name__)

LARGEST_BODY = 3 * 1024 * 1024
HANDSHAKE_SECONDS = 10
IDLE_SECONDS = 300
CLOSING_SECONDS = 2


class Server(ThreadingHTTPServer):
    """Serves one cluster on the loopback interface."""

    daemon_threads = True
    # Connections may be open for watches; closing waits for none of them.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, cluster: Cluster, context: ssl.SSLContext, port: int) -> None:
        self.cluster = cluster
        self._context = context
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The handshake happens here, on the connection's own thread: a slow client delays nobody else."""
        try:
            request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request.settimeout(HANDSHAKE_SECONDS)
            secure = self._context.wrap_socket(request, server_side=True)
        except OSError:
            self.shutdown_request(request)
            return
        secure.settimeout(IDLE_SECONDS)
        with self._guard:
            self._open.add(secure)
        try:
            super().process_request_thread(secure, client_address)
        finally:
            with self._guard:
                self._open.discard(secure)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # What reaches this point is a connection that broke; requests answer their own errors.
        log.debug("connection ended", exc_info=True)

    def close_connections(self) -> None:
        """Cuts every connection and waits a moment for their threads to notice."""
        with self._guard:
            for connection in tuple(self._open):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        deadline = time.monotonic() + CLOSING_SECONDS
        while self._open and time.monotonic() < deadline:
            time.sleep(0.005)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    # One segment for headers and body; unbuffered writes would be sent one by one.
    wbufsize = 64 * 1024

    def _serve(self) -> None:
        reply = self._answer()
        if reply.lines is not None:
            self._stream(reply.lines)
        else:
            self._send(reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _answer(self) -> Reply:
        try:
            return handle(self.server.cluster, self._request())
        except ApiError as error:
            return refusal(error)
        except Closed:
            return refusal(ApiError(503, "the cluster is shutting down"))
        except Exception as problem:
            log.exception("%s %s", self.command, self.path)
            return refusal(ApiError(500, f"Internal error occurred: {type(problem).__name__}"))

    def _request(self) -> Request:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY or "transfer-encoding" in headers:
            # The rest of the connection cannot be read as requests any more.
            self.close_connection = True
            raise ApiError(413, f"Request entity too large: limit is {LARGEST_BODY}")
        body = self.rfile.read(int(length)) if int(length) else b""
        return Request("GET" if self.command == "HEAD" else self.command, self.path, headers, body)

    def _send(self, reply: Reply) -> None:
        body = reply.raw if reply.raw is not None else reply.text.encode()
        self._start(reply.code)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache, private")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _start(self, code: int) -> None:
        self.log_request(code)
        self.send_response_only(code)
        self.send_header("Date", self.date_time_string())

    def _is_abandoned(self) -> bool:
        """A watching client sends nothing: whatever there is to read is the end of its connection."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def _stream(self, lines: Iterator[str]) -> None:
        self._start(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        try:
            for line in lines:
                if not line and self._is_abandoned():
                    break
                data = line.encode()
                if not data:
                    continue
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                self.wfile.flush()
        except ApiError as error:
            log.debug("watch ended: %s", encode(error.status()))
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: a laptop's terminal is no place for an access log."""
