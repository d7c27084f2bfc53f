"""A real etcd in PD's place: the registry, the gateway, and ways to lose it."""
import base64
import json
import os
import signal
import subprocess

from . import net, process, wait

PUMPS = "/tidb-binlog/v1/pumps/"
DRAINERS = "/tidb-binlog/v1/drainers/"
LOCK = "/tidb-binlog-upgrade/lock"


def _encode(text):
    return base64.b64encode(text.encode()).decode()


def _decode(text):
    return base64.b64decode(text or "").decode()


class Pd:
    """`inside`: words before the command, to run it elsewhere; `tls`: {ca, cert, key} of a server that demands client
    certificates, as PD does."""

    def __init__(self, folder, host, gateway=True, environment=None, inside=(), tls=None):
        self.folder = folder
        self.host = host
        self.port = net.free_port()
        self.gateway = gateway
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._inside = inside
        self._peer_url = f"http://{host}:{net.free_port()}"
        self._environment = environment
        self._process = None
        os.makedirs(folder, exist_ok=True)
        self._write_configuration()

    def _write_configuration(self):
        """A file, not flags: only so can Debian's etcd be told about the gateway."""
        lines = {
            "name": "pd1",
            "data-dir": f"{self.folder}/data",
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": self._peer_url,
            "initial-advertise-peer-urls": self._peer_url,
            "initial-cluster": f"pd1={self._peer_url}",
            "heartbeat-interval": 50,
            "election-timeout": 500,
            "enable-grpc-gateway": self.gateway,
        }
        if self.tls:
            lines["client-transport-security"] = {"trusted-ca-file": self.tls["ca"], "cert-file": self.tls["cert"],
                                                  "key-file": self.tls["key"], "client-cert-auth": True}
        with open(f"{self.folder}/etcd.yml", "w", encoding="ascii") as file:
            file.writelines(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())

    def start(self):
        with open(f"{self.folder}/log", "ab") as log:
            self._process = subprocess.Popen(
                [*self._inside, "etcd", "--config-file", f"{self.folder}/etcd.yml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment, start_new_session=True)
        wait.until("etcd is healthy", self._healthy)

    def _healthy(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"etcd ended by itself: see {self.folder}/log")
        answer = net.answers(self.host, self.port, "/health", tls=self.tls)
        return answer and answer.get("health") == "true"

    def stop(self):
        """PD is away: connections are refused. start() brings it back with what it knew."""
        if self._process and self._process.poll() is None:
            self.resume()
            self._process.terminate()
            self._process.wait(20)

    def pause(self):
        """PD hangs: connections are taken, nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    @property
    def alive(self):
        return bool(self._process) and process.alive(self._process.pid)

    # The registry.
    def call(self, verb, body, timeout=5.0):
        return net.http(f"{self.url}/v3/{verb}", body, timeout, tls=self.tls)

    def prefix(self, prefix, timeout=5.0):
        """{key: text} of all keys below prefix."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        answer = self.call("kv/range", {"key": _encode(prefix), "range_end": _encode(end)}, timeout)
        return {_decode(kv["key"]): _decode(kv.get("value")) for kv in answer.get("kvs", [])}

    def pumps(self, timeout=5.0):
        """{node id: node object}"""
        return self._nodes(PUMPS, timeout)

    def drainers(self, timeout=5.0):
        return self._nodes(DRAINERS, timeout)

    def _nodes(self, prefix, timeout):
        return {key.removeprefix(prefix): json.loads(value) for key, value in self.prefix(prefix, timeout).items()}

    def drainers(self, timeout=5.0):
        return {key.removeprefix(DRAINERS): json.loads(value)
                for key, value in self.prefix(DRAINERS, timeout).items()}

    def get(self, key):
        answer = self.call("kv/range", {"key": _encode(key)})
        return _decode(answer["kvs"][0].get("value")) if answer.get("kvs") else None

    def put(self, key, value, lease=0):
        self.call("kv/put", {"key": _encode(key), "value": _encode(value), "lease": lease})

    def delete(self, key):
        self.call("kv/deleterange", {"key": _encode(key)})

    def lease(self, seconds):
        return int(self.call("lease/grant", {"TTL": seconds})["ID"])

    def lock_holder(self):
        """The lock's value, or None when nobody holds it."""
        return self.get(LOCK)
