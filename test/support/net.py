"""Addresses and ports of one machine that no other run uses, and small HTTP calls."""
import functools
import json
import random
import socket
import ssl
import urllib.request

_taken = []  # sockets whose names reserve what was handed out, for the life of this process


def _reserve(name):
    """A name only one process of the machine can have; free again when it ends, however it ends."""
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind("\0tidb-binlog-upgrade/" + name)
    except OSError:
        holder.close()
        return False
    _taken.append(holder)
    return True


def free_network():
    """First three bytes of a 127.x.y.0/24 of one's own."""
    while True:
        network = f"127.{random.randint(16, 250)}.{random.randint(0, 255)}"
        if _reserve(network):
            return network


def free_number(name, count):
    """A number below `count` of one's own, and the descriptor that holds it, also in a process that inherits it."""
    for number in random.sample(range(count), count):
        if _reserve(f"{name}/{number}"):
            return number, _taken[-1].fileno()
    raise RuntimeError(f"all {count} of {name} are taken")


def free_port():
    """A port nobody listens on, below the kernel's range for outgoing connections."""
    while True:
        port = random.randint(12000, 30000)
        if not _reserve(f"port/{port}"):
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


@functools.cache
def _opener(ca=None, cert=None, key=None):
    handlers = [urllib.request.ProxyHandler({})]
    if ca:
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(cert, key)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def http(url, body=None, timeout=5.0, method=None, tls=None):
    """The parsed JSON answer; OSError or ValueError when there is none. `tls`: {ca, cert, key}, for https."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    with _opener(**(tls or {})).open(request, timeout=timeout) as answer:
        return json.loads(answer.read())


def answers(host, port, path="/status", timeout=1.0, tls=None):
    try:
        return http(f"{'https' if tls else 'http'}://{host}:{port}{path}", timeout=timeout, tls=tls)
    except (OSError, ValueError):
        return None
