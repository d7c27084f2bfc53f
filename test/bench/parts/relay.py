"""A slow line between the control host and the hosts, which also counts what it carries.

    relay.py CONFIG COUNTS
CONFIG is JSON {"listen": {port: address of a host}, "round_trip": seconds, "rate": bytes per second each way, 0 for no limit};
COUNTS is written ten times a second and at the end: {address: [bytes to the host, bytes from it]}. SIGTERM ends it.

All hosts share the line, as behind one uplink. What is counted is what TCP carries: SSH as it is on the wire, without the
headers of TCP and IP. Where the line is neither slow nor long, the kernel passes all on, so that counting costs next to nothing.
"""
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time

SSH = 22
PIECE = 16 << 10
UNDER_WAY = 64  # pieces of one connection on the line before its sender is held back
AT_ONCE = 1 << 20


class Line:
    """One direction."""

    def __init__(self, rate, delay):
        self._rate, self._delay, self._free = rate, delay, 0.0

    def arrival(self, size):
        if self._rate:
            self._free = max(self._free, time.monotonic()) + size / self._rate
            return self._free + self._delay
        return time.monotonic() + self._delay


async def carry(reader, writer, line, count):
    under_way = asyncio.Queue(UNDER_WAY)

    async def deliver():
        while piece := await under_way.get():
            when, data = piece
            if (wait := when - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            writer.write(data)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(PIECE):
            count(len(data))
            await under_way.put((line.arrival(len(data)), data))
        await under_way.put(None)
        await delivering
    except OSError:
        delivering.cancel()
    finally:
        writer.close()


def pass_on(source, target, count):
    there, here = os.pipe()
    try:
        while size := os.splice(source.fileno(), here, AT_ONCE):
            count(size)
            while size:
                size -= os.splice(there, target.fileno(), size)
    except OSError:
        pass
    finally:
        os.close(there)
        os.close(here)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def pass_straight_on(port, address, counter):
    """Accepts for ever; two threads for each connection."""
    def serve_one(connection):
        with connection, contextlib.closing(socket.socket()) as host:
            with contextlib.suppress(OSError):
                for end in (connection, host):  # as SSH itself sets it
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                host.connect((address, SSH))
                back = threading.Thread(target=pass_on, args=(host, connection, counter(address, 1)), daemon=True)
                back.start()
                pass_on(connection, host, counter(address, 0))
                back.join()

    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            threading.Thread(target=serve_one, args=(server.accept()[0],), daemon=True).start()


async def serve(config, counts_file):
    there, back = (Line(config["rate"], config["round_trip"] / 2) for _ in range(2))
    counts = {address: [0, 0] for address in config["listen"].values()}

    def counter(address, direction):
        def add(size):
            counts[address][direction] += size
        return add

    def accept(address):
        async def connected(reader, writer):
            await asyncio.sleep(config["round_trip"])  # the connection itself
            try:
                host_reader, host_writer = await asyncio.open_connection(address, SSH)
            except OSError:
                writer.close()
                return
            await asyncio.gather(carry(reader, host_writer, there, counter(address, 0)),
                                 carry(host_reader, writer, back, counter(address, 1)))
        return connected

    for port, address in config["listen"].items():
        if config["rate"] or config["round_trip"]:
            await asyncio.start_server(accept(address), "127.0.0.1", int(port))
        else:
            threading.Thread(target=pass_straight_on, args=(int(port), address, counter), daemon=True).start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    while True:
        with open(f"{counts_file}.new", "w", encoding="utf-8") as file:
            json.dump(counts, file)
        os.rename(f"{counts_file}.new", counts_file)
        if ended.is_set():
            return
        try:
            await asyncio.wait_for(ended.wait(), 0.1)
        except asyncio.TimeoutError:
            pass


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as given:
        asyncio.run(serve(json.load(given), sys.argv[2]))
