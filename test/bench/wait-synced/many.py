"""A thousand Drainers and ten Pumps in one process, all paths of a few ports. Prints the ports, then serves until its
stdin ends. Up to the moment given (seconds of the epoch) every LastTS is an hour old; from then on it moves."""
import asyncio
import json
import ssl
import sys
import time


def tso(seconds):
    return int(seconds * 1000) << 18 | 1


class Answering(asyncio.Protocol):
    def __init__(self, moment):
        self.moment = moment

    def connection_made(self, transport):
        self.transport = transport
        self.seen = b""

    def data_received(self, data):
        self.seen += data
        if b"\r\n\r\n" not in self.seen:
            return
        body = (self.pump() if self.seen.startswith(b"GET /p") else self.drainer()).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
                             b"Connection: close\r\n\r\n%s" % (len(body), body))
        self.transport.close()

    def drainer(self):
        now = time.time()
        last = tso(now - 2 if now >= self.moment else now - 3600)
        return '{"PumpPos":{%s},"Synced":false,"LastTS":%d,"TsMap":""}' % (
            ",".join(f'"pump-{number}:8250":{last}' for number in range(10)), last)

    @staticmethod
    def pump():
        now = tso(time.time())
        nodes = {f"pump-{number}:8250": {"nodeId": f"pump-{number}:8250", "host": f"10.0.1.{number}:8250",
                                         "state": "online", "maxCommitTS": now, "updateTS": now} for number in range(10)}
        return json.dumps({"status": nodes, "CommitTS": now, "Checkpoint": {}, "ErrMsg": ""})


async def main(moment, pem):
    tls = None
    if pem:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{pem}/server.pem", f"{pem}/server-key.pem")
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Answering(moment), "127.0.0.1", 0, ssl=tls, backlog=4096)
               for _ in range(10)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
