"""When a Pump answered no HTTP: looked at from outside, on no path of the tools.

    watch.py CONFIG OUT
CONFIG is JSON {name: [address, port]}; each line of OUT is [name, down since, up again] in seconds of time.time(); a first line
{"watching": [names]} comes when all answer. SIGTERM ends it; who is down then gets a line with null.

A connection is kept open to each Pump: that it is closed is noticed at once. After that, a new one each 3 ms until /status answers.
"""
import json
import os
import select
import signal
import socket
import sys
import threading
import time

AGAIN = 0.003  # between two attempts while it is down
LOOK = 0.05  # between two requests while it is up
PATIENCE = 5.0


def whole_answer(answer):
    """The head of an HTTP answer once all of it is there, its body in one piece or in chunks."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return None
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if fields.get(b"transfer-encoding") == b"chunked":
        return head if body.endswith(b"0\r\n\r\n") else None
    return head if len(body) >= int(fields.get(b"content-length", 0)) else None


class Watch(threading.Thread):
    def __init__(self, name, address, report):
        super().__init__(daemon=True)
        self.name, self._address, self._report = name, address, report
        self.up = threading.Event()
        self.down_since = None

    def run(self):
        while True:
            connection = self._connected()
            if connection is None:
                self.down_since = self.down_since or time.time()
                time.sleep(AGAIN)
                continue
            if self.down_since and self.up.is_set():
                self._report(self.name, self.down_since, time.time())
            self.down_since = None
            self.up.set()
            self.down_since = self._until_closed(connection)

    def _connected(self):
        try:
            connection = socket.create_connection(self._address, timeout=PATIENCE)
        except OSError:
            return None
        if self._answers(connection):
            return connection
        connection.close()
        return None

    def _until_closed(self, connection):
        """The moment at which the Pump closed the connection or stopped answering on it."""
        with connection:
            while True:
                if select.select([connection], [], [], LOOK)[0]:
                    return time.time()
                asked = time.time()
                if not self._answers(connection):
                    return asked

    @staticmethod
    def _answers(connection):
        try:
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: pump\r\n\r\n")
            answer = b""
            while not (head := whole_answer(answer)):
                piece = connection.recv(65536)
                if not piece:
                    return False
                answer += piece
            return head.startswith(b"HTTP/1.1 200 ")
        except OSError:
            return False


def main(config_file, out_file):
    with open(config_file, encoding="utf-8") as file:
        config = json.load(file)
    ended, lock = threading.Event(), threading.Lock()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with open(out_file, "w", encoding="utf-8", buffering=1) as out:
        def report(*words):
            with lock:
                out.write(json.dumps(words) + "\n")
        watches = [Watch(name, tuple(address), report) for name, address in config.items()]
        for watch in watches:
            watch.start()
        for watch in watches:
            watch.up.wait()
        report({"watching": list(config)})
        ended.wait()
        for watch in watches:
            if watch.down_since:
                report(watch.name, watch.down_since, None)
    os._exit(0)  # threads that wait for an answer have nothing left to say


if __name__ == "__main__":
    main(*sys.argv[1:])
