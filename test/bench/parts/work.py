"""What test/bench/run can measure: each function yields measured runs, one at a time, so that what was measured is kept."""
import itertools

from . import measure
from .site import Site


def rolls(pumps, size_mb, link, pairs, again, settle):
    """Pairs of stock and ours on the same hosts, taking turns at being first. Then the same with nothing new: ours
    each time, the stock way, which restarts everything again, in the first pairs, `again` of them."""
    with Site(pumps, size_mb, link) as site:
        list(roll(site, "ours", settle, "roll"))  # the first one finds hosts that no run has seen: not counted
        for pair in range(pairs):
            for way in ("stock", "ours") if pair % 2 == 0 else ("ours", "stock"):
                yield from roll(site, way, settle, "roll", *(["second"] if way == "ours" or pair < again else []))


def roll(site, way, settle, *cases):
    """The roll of a new binary, and with `second` the same once more."""
    digest = site.offer_next()
    alone = ["-e", "pump_min_online=0"] if len(site.pumps) == 1 else []
    for case in cases:
        run = measure.stock(site) if way == "stock" else measure.ours(site, "-e", f"settle={settle}", *alone)
        site.check(digest)
        if case == "roll" and len(run["processes"]) != len(site.pumps):
            raise RuntimeError(f"the {way} way restarted {sorted(run['processes'])}, not every Pump")
        yield {"case": case, **run}


def growth(hosts, size_mb, settle):
    """Ours alone on ever more hosts."""
    for pumps in hosts:
        with Site(pumps, size_mb) as site:
            yield from roll(site, "ours", settle, "roll", "second")


def copies(size_mb, link, times):
    """One binary to one host by copy-binary and by copy: where it is not, and where it is already."""
    with Site(2, size_mb, link) as site:
        for turn, way in itertools.product(range(times), ("stock", "ours")):
            digest = site.offer_next()
            source, dest = f"{site.resources_dir}/bin/pump", f"/data/{way}/{turn}/pump"
            for case in ("fresh", "unchanged"):
                run = {"case": case, **measure.single(site, way, play(way, source, dest))}
                arrived = site.pumps[0].data / way / str(turn) / "pump"
                if not arrived.is_file() or measure.process.file_digest(arrived) != digest:
                    raise RuntimeError(f"the {way} way did not bring the file")
                yield run
            arrived.unlink()


def play(way, source, dest):
    """For one host; the directory is made before, by a command that both need."""
    folder = dest.rpartition("/")[0]
    task = {"copy-binary": {"src": source, "dest": dest, "component": "pump", "mode": "0755"}} if way == "ours" else \
        {"copy": {"src": source, "dest": dest, "mode": "0755"}}
    make = {"raw": f"mkdir -p {folder}", "changed_when": False}
    return [{"hosts": "pump1", "gather_facts": False, "tasks": [make, {"name": "Copy", **task}]}]
