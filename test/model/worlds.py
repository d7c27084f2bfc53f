"""TiDB Binlog as the upstream sources move it: items in Pumps, batches in flight, sticky flags, clocks. A world knows
which items reached the downstream, so it knows whether everything up to a TSO did; what its Drainers answer may lie.

Nothing here knows the rules of wait-synced. Times are milliseconds of the world's clock; one step is one interval.
"""
import random

STEP = 1000
FAKE = 3000    # an idle Pump writes a fake binlog this often
SAVE = 3000    # a cluster Drainer saves its checkpoint at most this often
OLD_SAVE = 8000  # an old one, when a job arrives
EPOCH = 1590998400000


def tso(ms):
    return ((EPOCH + ms) << 18) + 1


class Pump:
    """Emits its items in the order of their commit TS: one whose commit is still open holds all later ones back."""

    def __init__(self, name, writes):
        self.name = name
        self.host = name.replace("pump-", "10.0.1.")
        self.waiting = sorted(writes)  # (commit, arrival, is_ddl)
        self.emitted = []              # (commit, is_real, is_ddl), ascending
        self.last = 0
        self.offline = False

    def step(self, now, pd_up):
        waiting = self.waiting
        before = len(self.emitted)
        while waiting and waiting[0][1] <= now:
            commit, _, ddl = waiting.pop(0)
            self.emitted.append((commit, True, ddl))
        if len(self.emitted) > before:
            self.last = now
        elif pd_up and now - self.last >= FAKE and (not waiting or waiting[0][0] > now):
            self.emitted.append((now, False, False))
            self.last = now


class Drainer:
    """What both kinds share: look at the registry, pull, merge, apply in batches."""

    def __init__(self, world, latency, phase, check_after):
        self.world = world
        self.latency = latency
        self.detect = world.detect
        self.next_poll = phase
        self.check_after = check_after
        self.saved = -1      # of the checkpoint: survives a restart
        self.applied = set()
        self.down_until = -1
        self.start(0)

    def start(self, now):
        self.known = None
        self.held = {}  # pulled and waiting for the other Pumps, by Pump
        self.cursor = {}
        self.pulled = {}
        self.merged = self.saved
        self.queue = []
        self.flight = None
        self.sticky = False
        self.last_success = now
        self.last_save = -10**9
        self.candidate = self.saved

    def restart(self, now, away):
        self.start(now)
        self.down_until = now + away
        self.next_poll = self.down_until + self.detect

    def polled(self, now):
        pass

    def step(self, now):
        if now < self.down_until:
            return
        world = self.world
        if now >= self.next_poll:
            self.next_poll += self.detect
            if world.pd_up(now):
                self.known = [pump for pump in world.pumps if not pump.offline and pump.name not in world.unseen]
                self.sticky = False
        if self.known:
            self.pull(now)
        self.work(now)
        if now + self.detect == self.next_poll and world.pd_up(now):
            self.polled(now)

    def pull(self, now):
        fresh = []
        for pump in self.known:
            name = pump.name
            if self.world.reachable(name, now):
                at = self.cursor.get(name, 0)
                new = pump.emitted[at:]
                if new:
                    self.cursor[name] = at + len(new)
                    self.pulled[name] = new[-1][0]
                    self.held.setdefault(name, []).extend(new)
        low = min(self.pulled.get(pump.name, -1) for pump in self.known)
        if low <= self.merged:
            return
        for pump in self.known:
            held = self.held.get(pump.name, [])
            count = 0
            while count < len(held) and held[count][0] <= low:
                count += 1
            fresh += [(*item, pump.name) for item in held[:count] if item[0] > self.merged]
            del held[:count]
        fresh.sort()
        self.queue += fresh
        self.merged = low

    def work(self, now):
        while True:
            if self.flight:
                batch, done = self.flight
                if batch[-1][1] and self.world.blocked(now, batch[-1]):
                    return
                if now < done:
                    return
                self.flight = None
                self.finished(batch, now)
            if not self.queue:
                return
            size = 1
            while size < len(self.queue) and size < 8 and not self.queue[size][1] and not self.queue[0][1]:
                size += 1
            batch, self.queue = self.queue[:size], self.queue[size:]
            self.flight = batch, now + (self.latency if batch[-1][1] else 0)

    def finished(self, batch, now):
        for commit, real, _, name in batch:
            if real:
                self.applied.add((name, commit))
                self.last_success = now
        self.candidate = batch[-1][0]

    def reads_synced(self, now):
        if now - self.last_success > self.check_after:
            self.sticky = True
        return "true" if self.sticky else "false"

    def names(self):
        return [pump.name for pump in self.known] if self.known is not None else None


class ClusterDrainer(Drainer):
    def finished(self, batch, now):
        super().finished(batch, now)
        self.save(now, batch[-1][2])

    def save(self, now, ddl=False):
        if self.candidate > self.saved and (ddl or now - self.last_save >= SAVE):
            self.saved, self.last_save = self.candidate, now

    def step(self, now):
        super().step(now)
        if now >= self.down_until:
            self.save(now)

    def answers(self, now):
        if now < self.down_until:
            return None, None
        names = self.names()
        positions = "null" if names is None else "{" + ",".join(
            f'"{name}":{tso(max(self.pulled.get(name, self.saved), 0))}' for name in names) + "}"
        last = tso(self.saved) if self.saved >= 0 else 0
        return f'{{"PumpPos":{positions},"Synced":{self.reads_synced(now)},"LastTS":{last},"TsMap":""}}', None

    def provable(self, now, since, everyone):
        return now >= self.down_until and self.saved >= since and set(self.names() or ()) >= everyone


class OldDrainer(Drainer):
    """Kafka and Local. Lower says what was handed to the queue, not what was applied."""

    def __init__(self, *arguments, local=False):
        super().__init__(*arguments)
        self.local = local

    def start(self, now):
        super().start(now)
        self.window = 0, 0
        self.looks = []  # Lower at each look
        self.events = 0
        self.position = None

    def polled(self, now):
        lower = 0
        if self.known and all(pump.name in self.pulled for pump in self.known):
            lower = tso(self.merged)
        self.window = tso(now), lower
        self.looks.append(self.merged if lower else -1)

    def work(self, now):
        super().work(now)
        # Statements are applied by workers; what holds no rows passes by them.
        while self.flight and self.queue and not self.queue[0][1]:
            self.queue.pop(0)

    def finished(self, batch, now):
        super().finished(batch, now)
        self.events += sum(1 for item in batch if item[1])
        if batch[-1][1] and (batch[-1][2] or now - self.last_save >= OLD_SAVE):
            self.saved = self.position = batch[-1][0]
            self.last_save = now

    def answers(self, now):
        if now < self.down_until:
            return None, None
        names = self.names()
        place = '{"suffix":3,"offset":%d}' % now if self.local else '{"offset":%d}' % now
        positions = "null" if names is None else "{" + ",".join(f'"{name}":{place}' for name in names) + "}"
        upper, lower = self.window
        status = (f'{{"PumpPos":{positions},"Synced":{self.reads_synced(now)},"DepositWindow":'
                  f'{{"Upper":{upper},"Lower":{lower}}}{"" if self.local else ",%s" % chr(34) + "TsMap" + chr(34) + ":" + chr(34) * 2}}}')
        # A gauge is a double: TSOs of today are exact to 64.
        position = "" if self.position is None else f"binlog_drainer_position {float(tso(self.position)):.17e}\n"
        return status, (f'binlog_drainer_queue_size{{name="syncer_input"}} {len(self.queue)}\n'
                        f'binlog_drainer_queue_size{{name="worker_0"}} 0\n'
                        f'binlog_drainer_event{{type="Insert"}} {self.events}\n{position}')

    def provable(self, now, since, everyone):
        looks = self.looks[-2:]
        return (now >= self.down_until and len(looks) == 2 and min(looks) >= since
                and EPOCH + now - (self.window[0] >> 18) < 25000
                and not self.queue and not self.flight and set(self.names() or ()) >= everyone
                and self.last_success != now and self.position is not None and self.position >= self.world.barrier)


class TakenPort:
    """The new Drainer was started on the old one's port, with the present as its start: it holds nothing of the past."""

    def __init__(self, world, taken_at):
        self.world = world
        self.taken_at = taken_at

    def answers(self, now):
        last = tso(max(self.taken_at, now - SAVE))
        positions = ",".join(f'"{pump.name}":{last}' for pump in self.world.pumps)
        return f'{{"PumpPos":{{{positions}}},"Synced":false,"LastTS":{last},"TsMap":""}}', None


class OldDrainerBack:
    """The old Drainer came back on the new one's port, by its unit or by hand. It reads the old Pumps, which have the
    new ones' names; a DDL of theirs made it save. Of what was written to the new Pumps it knows nothing."""

    def __init__(self, world, taken_at):
        self.world = world
        self.saved = tso(max(taken_at, world.barrier))

    def answers(self, now):
        positions = ",".join(f'"{pump.name}":{{"offset":{now}}}' for pump in self.world.pumps)
        look = now - now % self.world.detect
        window = f'{{"Upper":{tso(look)},"Lower":{tso(look - FAKE)}}}'
        status = f'{{"PumpPos":{{{positions}}},"Synced":true,"DepositWindow":{window},"TsMap":""}}'
        return status, (f'binlog_drainer_queue_size{{name="syncer_input"}} 0\n'
                        f'binlog_drainer_event{{type="Insert"}} 7\n'
                        f'binlog_drainer_position {float(self.saved):.17e}\n')


class World:
    """One run: `series` is what an observer sees, `truth[i]` what is so at sample i, `provable[i]` whether the parts
    of the world that an observer can look at say so."""

    SCENARIOS = ("healthy", "blocked", "firewalled", "missing", "pd_down", "no_pumps", "trickle", "restart", "flapping",
                 "two_drainers", "port_taken")

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.kind = rng.choice(("cluster", "cluster", "kafka", "kafka", "local"))
        self.scenario = rng.choice(self.SCENARIOS)
        self.steps = rng.randint(28, 40)
        self.stable_for = rng.choice((2000, 3000, 5000))
        self.detect = rng.choice((2000, 4000))
        self.unseen = set()
        self.plan_times()
        self.make_pumps()
        self.make_drainers()

    def plan_times(self):
        rng = self.rng
        self.end_of_writes = rng.randint(2000, 9000)
        # The operator runs a DDL through an old TiDB after the last write, then takes the TSO to wait for; or waits for
        # the DDL's own.
        self.barrier = self.end_of_writes + rng.choice((rng.randint(100, 1500), rng.randint(100, 9000)))
        self.since = rng.randint(self.end_of_writes, self.barrier)
        if rng.random() < 0.5:
            self.since = self.barrier + rng.randint(0, 4000)
        length = self.steps * STEP
        start = rng.randint(0, length // 2)
        self.trouble = start, start + rng.choice((length, rng.randint(self.stable_for, length)))
        if self.scenario == "blocked" and self.kind != "cluster":
            # The last rows get stuck; the operator waits a while before the DDL.
            self.barrier = self.end_of_writes + rng.randint(5000, 16000)
            self.since = self.end_of_writes + rng.randint(0, 1500)
            self.trouble = self.end_of_writes - rng.randint(0, 1500), self.barrier + rng.randint(0, length)
        if self.scenario == "trickle" and self.kind != "cluster":
            self.since = self.barrier + rng.randint(2000, 5000)
            self.trouble = self.barrier + 4000, self.barrier + 4000 + rng.randint(0, 4) * self.stable_for

    def make_pumps(self):
        rng = self.rng
        self.pumps = []
        for number in range(1, rng.randint(2, 3) + 1):
            times = [rng.randint(1, self.end_of_writes) for _ in range(rng.randint(2, 8))]
            if self.scenario == "trickle":
                if self.kind == "cluster":
                    times += [rng.randint(1, self.steps * STEP) for _ in range(rng.randint(1, 5))]
                elif number > 1:  # a TiDB that was forgotten goes on behind the barrier
                    times += [rng.randint(self.barrier + 2, self.since) for _ in range(rng.randint(1, 8))]
            writes = [(at, at + self.delay(), False) for at in times if at != self.barrier]
            if number == 1:
                writes = [write for write in writes if write[1] <= self.barrier + 1]
                writes.append((self.barrier, self.barrier + 1, True))
            self.pumps.append(Pump(f"pump-{number}:8250", writes))
        self.cut = self.pumps[-1]
        last = max(write[0] for pump in self.pumps for write in pump.waiting if not write[2])
        self.locked = last if rng.random() < 0.5 else None
        self.all_writes = [(pump.name, write[0]) for pump in self.pumps for write in pump.waiting]
        if self.scenario == "missing":  # marked offline too early, or not seen for another reason
            self.cut.offline = rng.random() < 0.5
            self.unseen = {self.cut.name}
        if self.scenario == "no_pumps":
            self.unseen = {pump.name for pump in self.pumps}

    def delay(self):
        return self.rng.randint(1, 500) if self.rng.random() < 0.95 else self.rng.randint(2000, 6000)

    def make_drainers(self):
        rng = self.rng
        make = ClusterDrainer if self.kind == "cluster" else OldDrainer
        check_after = -1 if self.scenario == "flapping" else rng.choice((0, 2000, 4000, 300000))
        latency = rng.randint(0, min(self.stable_for // 2, 1500))
        self.drainers = [make(self, latency, rng.randint(1, 4) * STEP, check_after)]
        if self.scenario == "two_drainers":
            slow = rng.randint(latency, min(self.stable_for - STEP, 2000))
            self.drainers.append(make(self, slow, rng.randint(1, 4) * STEP, check_after))
        for drainer in self.drainers:
            if self.kind != "cluster":
                drainer.local = self.kind == "local"
                if self.scenario == "no_pumps":
                    drainer.polled = lambda now: None  # no TSO either: both ends stay 0

    def in_trouble(self, now):
        return self.trouble[0] <= now < self.trouble[1]

    def pd_up(self, now):
        return not (self.scenario == "pd_down" and self.in_trouble(now))

    def reachable(self, name, now):
        cuts = self.scenario == "firewalled" or (self.scenario == "trickle" and self.kind != "cluster")
        return not (cuts and name == self.cut.name and self.in_trouble(now))

    def blocked(self, now, item):
        if self.scenario != "blocked":
            return False
        # All that comes, or what touches the rows of one transaction.
        return self.in_trouble(now) if self.locked is None else item[0] == self.locked and now < self.trouble[1]

    def pump_answers(self, now):
        if not self.pd_up(now):
            empty = '"status":null' if self.kind == "cluster" else '"LatestBinlog":null'
            return [f'{{{empty},"CommitTS":0,"Checkpoint":{{}},"ErrMsg":"context deadline exceeded"}}'] * len(self.pumps)
        if self.kind == "cluster":
            nodes = ",".join(
                f'"{pump.name}":{{"nodeId":"{pump.name}","host":"{pump.host}","state":'
                f'"{"offline" if pump.offline else "online"}","maxCommitTS":{tso(now)},"updateTS":{tso(now)}}}'
                for pump in self.pumps)
            return [f'{{"status":{{{nodes}}},"CommitTS":{tso(now)},"Checkpoint":{{}},"ErrMsg":""}}'] * len(self.pumps)
        known = ",".join(f'"{pump.name}":{{}}' for pump in self.pumps if not pump.offline)
        return [f'{{"LatestBinlog":{{{known}}},"CommitTS":{tso(now)},"Checkpoint":{{}},"ErrMsg":""}}'] * len(self.pumps)

    def run(self):
        rng = self.rng
        by_ids = rng.random() < 0.5
        self.truth, self.provable, samples = [], [], []
        left = [{write for write in self.all_writes if write[1] <= self.since} for _ in self.drainers]
        everyone = {pump.name for pump in self.pumps}
        restart_at = rng.randrange(self.steps) * STEP if self.scenario == "restart" else -1
        taken, taken_from = None, 0
        if self.scenario == "port_taken" and self.kind == "cluster":
            taken_from = rng.randint(STEP, self.since)
            taken = OldDrainerBack(self, taken_from)
        elif self.scenario == "port_taken":
            taken_from = self.since + rng.randint(0, 8000)
            taken = TakenPort(self, self.since + 1)
        for now in range(0, self.steps * STEP, STEP):
            for pump in self.pumps:
                pump.step(now, self.pd_up(now))
            for number, drainer in enumerate(self.drainers):
                if now == restart_at:
                    drainer.restart(now, rng.randint(0, 3) * STEP)
                if taken is None or now < taken_from:
                    drainer.step(now)
                left[number] -= drainer.applied
            self.truth.append(not any(left))
            self.provable.append(self.pd_up(now) and taken is None and now >= self.since
                                 and all(drainer.provable(now, self.since, everyone) for drainer in self.drainers))
            seen = [taken] if taken is not None and now >= taken_from else self.drainers
            samples.append({"at": now, "drainers": [drainer.answers(now) for drainer in seen],
                            "pumps": self.pump_answers(now)})
        return {"kind": rng.choice(("auto", "auto", self.kind)), "since": tso(self.since),
                "barrier": tso(self.barrier) if self.kind != "cluster" or taken else 0, "stable_for": self.stable_for,
                "expected": [pump.name for pump in self.pumps] if by_ids else [],
                "pumps": [] if by_ids else [pump.host for pump in self.pumps], "drainers": len(self.drainers), "samples": samples}
