"""Small HTTP servers that answer as Drainers, Pumps, PD and TiDB do, and others that do their worst."""
import json
import socket
import ssl
import struct
import subprocess
import threading
import time


def tso(seconds_ago=0.0):
    return int((time.time() - seconds_ago) * 1000) << 18 | 1


class Server:
    """One thread for each connection. `routes` maps a path to a text, a function that returns one, or a function of
    the socket that does as it likes (marked with @raw)."""

    def __init__(self, routes, family=socket.AF_INET, tls=None, port=0):
        self.routes = routes
        self.asked = []
        self.host = "127.0.0.1" if family == socket.AF_INET else "[::1]"
        self._tls = tls
        self._listener = socket.create_server((self.host.strip("[]"), port), family=family, backlog=512)
        self.port = self._listener.getsockname()[1]
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def close(self):
        self._open = False
        # A thread in accept() would keep the port listening.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while self._open:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._answer(connection)
        except OSError:
            pass

    def _answer(self, connection):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(65536)
            if not piece:
                return
            request += piece
            if request[0] == 0x16:  # a TLS handshake: Go's server answers so
                connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")
                return
        path = request.split(b" ", 2)[1].decode()
        self.asked.append(path)
        route = self.routes.get(path, self.routes.get("*"))
        if getattr(route, "raw", False):
            route(connection)
        elif route is None:
            connection.sendall(page("404 page not found\n", "404 Not Found"))
        else:
            connection.sendall(page(route() if callable(route) else route))


def page(text, status="200 OK", kind="text/plain; charset=utf-8"):
    body = text.encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def raw(function):
    function.raw = True
    return function


class Drainer(Server):
    """A cluster-version Drainer; `lag` seconds behind, None: what LastTS says stays."""

    def __init__(self, pumps=("pump-1:8250",), lag=0.5, synced=False, last_ts=None, **options):
        self.pumps, self.lag, self.synced, self.last_ts = pumps, lag, synced, last_ts
        super().__init__({"/status": self.status}, **options)

    def status(self):
        last = self.last_ts if self.last_ts is not None else tso(self.lag)
        return json.dumps({"PumpPos": {name: tso(self.lag) for name in self.pumps}, "Synced": self.synced,
                           "LastTS": last, "TsMap": ""}) + "\n"


class OldDrainer(Server):
    """A Kafka-version Drainer that looks at PD every `detect` seconds."""

    def __init__(self, pumps=("tidb-1:8250",), position=0, detect=0.3, lag=0.3, **options):
        self.pumps, self.position, self.detect, self.lag = pumps, position, detect, lag
        self.queued, self.events = 0, 42
        super().__init__({"/status": self.status, "/metrics": self.metrics}, **options)

    def status(self):
        since_look = time.time() % self.detect
        return json.dumps({"PumpPos": {name: {"offset": 7} for name in self.pumps}, "Synced": False, "DepositWindow":
                           {"Upper": tso(since_look), "Lower": tso(since_look + self.lag)}, "TsMap": ""})

    def metrics(self):
        return (f'binlog_drainer_window{{marker="upper"}} {float(tso()):.17e}\n'
                f'binlog_drainer_queue_size{{name="syncer_input"}} {self.queued}\n'
                f'binlog_drainer_event{{type="Insert"}} {self.events}\n'
                + (f"binlog_drainer_position {float(self.position):.17e}\n" if self.position else ""))


class Pump(Server):
    """A cluster-version Pump; its /status is the whole registry."""

    def __init__(self, ids=("pump-1:8250",), states=(), fakes=7, taken=0, **options):
        self.ids, self.states, self.hosts, self.fakes, self.taken = ids, dict(states), {}, fakes, taken
        super().__init__({"/status": self.status, "/metrics": self.metrics}, **options)

    def status(self):
        nodes = {name: {"nodeId": name, "host": self.hosts.get(name, name), "state":
                        self.states.get(name, "online"), "maxCommitTS": tso(1), "updateTS": tso(1)}
                 for name in self.ids}
        return json.dumps({"status": nodes, "CommitTS": tso(), "Checkpoint": {}, "ErrMsg": ""})

    def metrics(self):
        name, everything = "binlog_pump_storage_write_binlog_size", self.fakes + self.taken
        return (f"binlog_pump_storage_max_commit_ts {tso(1) >> 18}\n"
                f'{name}_bucket{{type="single",le="32"}} {self.fakes}\n{name}_count{{type="single"}} {everything}\n')


class OldPump(Server):
    def __init__(self, ids=("tidb-1:8250",), calls=5, lost=0, **options):
        self.ids, self.calls, self.lost = ids, calls, lost
        super().__init__({"/status": self.status, "/metrics": self.metrics}, **options)

    def status(self):
        return json.dumps({"LatestBinlog": {name: {"file-position": {}, "kafka-position": {"offset": 7}}
                                            for name in self.ids}, "CommitTS": tso(), "Checkpoint": {}, "ErrMsg": ""})

    def metrics(self):
        return (f'binlog_pump_rpc_duration_seconds_count{{label="succ",method="WriteBinlog"}} {self.calls}\n'
                f"binlog_pump_loss_binlog_count {self.lost}\n")


@raw
def slow_bytes(connection):
    for byte in page("{" + " " * 10000 + "}"):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


@raw
def silence(connection):
    time.sleep(30)


@raw
def endless_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        connection.sendall(b"1," * 32768)


@raw
def hundred_megabytes(connection):
    size = 100 << 20
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode() + b'{"a":"')
    for _ in range(size >> 16):
        connection.sendall(b"x" * 65536)


@raw
def chunks_without_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"8000\r\n" + b"9" * 0x8000 + b"\r\n")


@raw
def header_without_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Again: " + b"y" * 5000 + b"\r\n")


@raw
def deep_nesting(connection):
    connection.sendall(page('{"PumpPos":' + "[" * 100000 + "]" * 100000 + "}"))


@raw
def html(connection):
    connection.sendall(page("<html><body>It works!</body></html>", kind="text/html"))


@raw
def redirect(connection):
    connection.sendall(page("", "302 Found\r\nLocation: http://127.0.0.1:1/status"))


@raw
def server_error(connection):
    connection.sendall(page('{"PumpPos":{},"Synced":true,"LastTS":1}', "500 Internal Server Error"))


@raw
def empty_reply(connection):
    connection.shutdown(socket.SHUT_RDWR)


@raw
def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@raw
def cut_short(connection):
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"PumpPos":')


@raw
def not_http(connection):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


HOSTILE = (slow_bytes, silence, endless_body, hundred_megabytes, chunks_without_end, header_without_end, deep_nesting,
           html, redirect, server_error, empty_reply, reset, cut_short, not_http)


def certificates(folder):
    """ca.pem, and for `server`, `client` and `stranger` (of another CA) NAME.pem and NAME-key.pem."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    for authority, names in (("ca", ("server", "client")), ("other-ca", ("stranger",))):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj",
                f"/CN={authority}", "-keyout", folder / f"{authority}-key.pem", "-out", folder / f"{authority}.pem")
        for name in names:
            (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,IP:::1,DNS:drainer\n", encoding="ascii")
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", folder / f"{name}-key.pem", "-out", folder / f"{name}.csr")
            openssl("x509", "-req", "-days", 2, "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.pem",
                    "-CAkey", folder / f"{authority}-key.pem", "-CAcreateserial", "-extfile", folder / f"{name}.ext",
                    "-out", folder / f"{name}.pem")
    return folder


def server_tls(folder, demand_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    if demand_client:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context
