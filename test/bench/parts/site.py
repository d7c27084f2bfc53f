"""The hosts that both ways are measured on, the line that leads to them, and the binaries offered to them."""
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys

from hosts.rig.rig import ROOM, Rig
from support import net, process, wait
from support.cluster import make_peer

HERE = pathlib.Path(__file__).resolve().parent
# Round trip in seconds, and bytes per second each way for all hosts together.
LINKS = {"lan": (0, 0), "30ms": (0.03, 0), "10mbit": (0, 10_000_000 / 8)}


class Site(Rig):
    """A rig with Python 3 on its hosts, which stock modules need, reached through a relay (relay.py)."""

    def __init__(self, pumps, size_mb, link="lan"):
        self.size_mb, self.link = size_mb, link
        self._versions = itertools.count(15)
        self._relay = None
        super().__init__(userland="debian12-python3", pumps=pumps, drainers=0, disk=f"{200 + 6 * size_mb}m")
        try:
            self._start_relay()
            self.stock_files = self._write_stock_files()
        except BaseException:
            self.close()
            raise

    def peer(self, version, *knobs, program="pump"):
        return make_peer(self.new_path(f"{program}-{version}"), version, ROOM, *knobs, program=program, size_mb=self.size_mb)

    def close(self):
        if self._relay:
            self._relay.terminate()
            self._relay.wait(10)
            self._relay = None
        super().close()

    def _start_relay(self):
        round_trip, rate = LINKS[self.link]
        ports = {net.free_port(): pump for pump in self.pumps}
        base = self.new_path("relay")
        config = {"round_trip": round_trip, "rate": rate,
                  "listen": {port: pump.address for port, pump in ports.items()}}
        pathlib.Path(f"{base}.json").write_text(json.dumps(config), encoding="utf-8")
        self._counts = pathlib.Path(f"{base}.counts")
        self._relay = subprocess.Popen([sys.executable, str(HERE / "relay.py"), f"{base}.json", str(self._counts)],
                                       stdin=subprocess.DEVNULL, env=self.environment)
        wait.until("the relay serves", self._counts.exists, seconds=10)
        folder = pathlib.Path(self.folder, "host_vars")
        folder.mkdir()
        for port, pump in ports.items():
            words = " ".join([*self.ssh_options, f"-o HostName=127.0.0.1 -o Port={port}"])
            (folder / f"{pump.name}.yml").write_text(f'ansible_ssh_common_args: "{words}"\n', encoding="utf-8")

    def carried(self):
        """{host: [bytes to it, bytes from it]} over the line so far."""
        before = self._counts.stat().st_mtime_ns
        wait.until("the relay counted again", lambda: self._counts.stat().st_mtime_ns > before, seconds=10)
        counts = json.loads(self._counts.read_text(encoding="utf-8"))
        return {pump.name: counts[pump.address] for pump in self.pumps}

    def _write_stock_files(self):
        """What the templates of the stock way give: the very files that are on the hosts."""
        folder = pathlib.Path(self.folder, "stock-files")
        for pump in self.pumps:
            (folder / pump.name).mkdir(parents=True)
            for path in ("conf/pump.toml", "scripts/run_pump.sh", "scripts/start_pump.sh", "scripts/stop_pump.sh"):
                shutil.copy(pump.deploy / path, folder / pump.name)
            shutil.copy(pump.unit_file, folder / pump.name / "unit")
        return folder

    def offer_next(self):
        """A binary that no host has seen, newer than all before, in resources/bin/pump; its digest."""
        os.replace(self.peer(f"v4.0.{next(self._versions)}"), f"{self.resources_dir}/bin/pump")
        return process.file_digest(f"{self.resources_dir}/bin/pump")

    def check(self, digest):
        """Every Pump runs it and is online, whatever the playbook said."""
        states = {node["nodeId"]: node["state"] for node in self.pd.pumps().values()}
        for pump in self.pumps:
            if pump.running_digest != digest:
                raise RuntimeError(f"{pump.name} does not run what was rolled out")
            if states.get(pump.node_id) != "online":
                raise RuntimeError(f"{pump.name} is {states.get(pump.node_id)} in the registry")
