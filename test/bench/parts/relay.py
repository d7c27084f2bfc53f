"""A slow line between the control host and the hosts, which also counts what it carries.

    relay.py CONFIG COUNTS
CONFIG is JSON {"listen": {port: address of a host}, "round_trip": seconds, "rate": bytes per second each way, 0 for no limit};
COUNTS is written ten times a second and at the end: {address: [bytes to the host, bytes from it]}. SIGTERM ends it.

All hosts share the line, as behind one uplink. What is counted is what TCP carries: SSH as it is on the wire, without the
headers of TCP and IP.
"""
import asyncio
import json
import os
import signal
import sys
import time

PIECE = 16 << 10
UNDER_WAY = 64  # pieces of one connection on the line before its sender is held back


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
                host_reader, host_writer = await asyncio.open_connection(address, 22)
            except OSError:
                writer.close()
                return
            await asyncio.gather(carry(reader, host_writer, there, counter(address, 0)),
                                 carry(host_reader, writer, back, counter(address, 1)))
        return connected

    for port, address in config["listen"].items():
        await asyncio.start_server(accept(address), "127.0.0.1", int(port))
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
