"""A LegacyCluster with hosts for new Pumps and a new Drainer, on which nothing is yet, and the operator of its migration."""
import json
import os

from . import paths, playbook, process, tool, wait
from .cluster import MARK, make_peer
from .host import DRAINER_TOML, FILE_DESTINATION, DrainerHost, PumpHost, exporting
from .legacy import CLUSTER_ID, LegacyCluster, NEW_TIDB, OLD_TIDB

NEW = "v4.0.16"

HERE = {"ansible_connection": "local", "ansible_user": "tidb", "ansible_python_interpreter": "/usr/bin/python3",
        "process_supervision": "supervise", "old_pump_supervision": "command"}

# Waits of whole seconds that say nothing on stand-ins; no check is left out.
QUICK = {"migration_stable_for": 2, "migration_wait": 60, "drainer_stable_for": 2}

# What the operator of a Local version, which serves no metrics, has seen by hand and answers for.
BY_HAND = {"legacy_accept": "metrics", "migration_accept": "old_writes_flat,drained,applied"}


class FreshPump(PumpHost):
    """A host that a Pump is to be deployed on: it makes its id itself."""

    @property
    def node_id(self):
        return f"{os.uname().nodename}:{self.port}"


class Operator:
    """The operator of a migration, whose control host it is: an OldDeployment with hosts for new Pumps (`pumps`) and one for a
    new Drainer (`new_drainer`) in the inventory. `everywhere`: the inventory's [all:vars], as far as they tell how hosts are reached
    and nodes are supervised."""

    everywhere = HERE
    old_drainer_kept = {}  # what the inventory says of its supervision

    def prepare_control_host(self):
        """What step 1 asks for: new programs, the new Drainer's configuration, how to reach the downstream."""
        # as large as other hosts' disks are: a Pump short of space refuses writes
        programs = {"pump": make_peer(self.new_path("pump"), NEW, f"available_bytes={100 << 30}"),
                    "drainer": make_peer(self.new_path("drainer"), NEW, program="drainer")}
        for program, path in programs.items():
            call = tool.run("copy-binary", "--src", path, "--dest", f"{self.resources_dir}/bin/{program}", environment=self.environment)
            assert call.status == 0, call
        conf = f"{playbook.copy_of_playbooks(self)}/conf"
        destination = self.mariadb.destination if self.mariadb else FILE_DESTINATION.format(folder=self.old_drainer.out)
        with open(f"{conf}/drainer1_drainer.toml", "w", encoding="ascii") as file:
            file.write(DRAINER_TOML.format(destination=destination))
        if self.mariadb:
            with open(f"{conf}/drainer1_checkpoint.cnf", "w", encoding="ascii") as file:
                file.write(f"[client]\nhost={self.mariadb.host}\nport={self.mariadb.port}\nuser=root\nskip-ssl\n")

    def write_inventory(self, tidb_version=NEW_TIDB, places=None):
        """`places`: {name of a new node: other host variables}, such as one that is an old one's."""
        if not self.__dict__.get("new_drainer"):
            return  # the clusters this one is built upon write theirs

        def words(values):
            return " ".join(f"{name}={value}" for name, value in values.items())

        def line(host, **variables):
            return f"{host.name} " + words({"ansible_host": host.address, "deploy_dir": host.deploy_dir, **variables,
                                            **(places or {}).get(host.name, {})})

        groups = {
            "pd_servers": [f"pd1 ansible_host={self.pd.host} pd_client_port={self.pd.port}"],
            "tidb_servers": [line(tidb, tidb_status_port=tidb.port) for tidb in self.tidbs],
            "old_pump_servers": [line(pump, old_pump_port=pump.port) for pump in self.old_pumps],
            "old_drainer_servers": [line(self.old_drainer, old_drainer_port=self.old_drainer.port,
                                         **self.old_drainer_kept)],
            "pump_servers": [line(pump, pump_port=pump.port, resources_dir=self.resources_dir) for pump in self.pumps],
            "drainer_servers": [line(self.new_drainer, drainer_port=self.new_drainer.port, resources_dir=self.resources_dir)]}
        if self.kafka:
            groups["kafka_servers"] = [f"kafka{number} ansible_host={kafka.host} " + words({
                "deploy_dir": kafka.deploy_dir, "kafka_port": kafka.port, "kafka_home": kafka.home, "data_dirs": kafka.data_dir,
                "zk_client_port": self.zookeeper.port}) for number, kafka in enumerate(self.brokers, 1)]
            groups["zookeeper_servers"] = [f"zk{number} ansible_host={zookeeper.host} " + words({
                "deploy_dir": zookeeper.deploy_dir, "zk_client_port": zookeeper.port, "zookeeper_home": self.kafka.home,
                "zookeeper_data_dir": zookeeper.data_dir}) for number, zookeeper in enumerate(self.zookeepers, 1)]
        groups["all:vars"] = [f"{name} = {value}" for name, value in {
            "enable_binlog": True, "tidb_version": tidb_version, "migration_from": "local" if self.mode == "rc2.3" else "kafka",
            **self.everywhere}.items()]
        self.inventory.write_text("\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in groups.items()) + "\n",
                                  encoding="utf-8")

    # The commands.
    def play(self, name, *arguments, tags=None, quick=True, **variables):
        return playbook.Run(self, name, *arguments, tags=tags, quick=quick, variables={**(QUICK if quick else {}), **variables})

    def migrate(self, *arguments, **options):
        return self.play("migrate_to_cluster.yml", *arguments, **options).wait()

    def decommission(self, *arguments, **options):
        return self.play("decommission_legacy.yml", *arguments, **options).wait()

    # The operator's steps.
    def pause_business(self):
        """Step 2; returns the barrier."""
        for tidb in self.tidbs:
            tidb.pause()
        return self.tidbs[0].ddl("create table if not exists standin.binlog_barrier (id int)")

    def switch(self, binary):
        """Step 3; what follows it, too: a row through each TiDB."""
        for tidb in self.tidbs:
            tidb.switch(binary)
            tidb.write_row()

    def switch_back(self):
        """From step 3, or a later one."""
        binary = make_peer(self.new_path("old-tidb"), OLD_TIDB, program="tidb")
        for tidb, pump in zip(self.tidbs, self.old_pumps):
            tidb.switch(binary, flags=f'--binlog-socket="{pump.socket}"')

    def put_checkpoint_back(self):
        """The row as it was before the new Drainer took it over; a file was left alone."""
        if self.mode != "rc2.3":
            with open(self.migration_file(".drainer1.checkpoint.json"), encoding="ascii") as file:
                self.mariadb.query(f"update tidb_binlog.checkpoint set checkPoint='{file.read()}' where clusterID={CLUSTER_ID}")

    def switch_halfway(self, tidb, binary):
        """Step 3 done wrong: the new version is there, and its configuration still names the old Pump's socket."""
        socket = self.old_pumps[self.tidbs.index(tidb)].socket
        tidb.stop()
        tidb._values["binlog_flags"] = "--config=conf/tidb.toml"
        tidb.install(binary)
        tidb.write("conf/tidb.toml", f'[binlog]\nenable = true\nbinlog-socket = "{socket}"\n', 0o644)
        tidb.start()

    def resume_business(self):
        """Step 4."""
        for tidb in self.tidbs:
            tidb.resume()

    # What was seen.
    @property
    def record(self):
        """The record of the migration; {} before its first step."""
        path = self.migration_file(".json")
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    @property
    def steps(self):
        return list(self.record.get("steps", {}))

    def migration_file(self, suffix):
        return f"{self.folder}/playbooks/migration/{CLUSTER_ID}{suffix}"

    def old_pids(self):
        """{name: pid} of everything of the old version."""
        parts = {**{pump.name: pump for pump in self.old_pumps}, "drainer": self.old_drainer}
        for kind in ("brokers", "zookeepers"):
            parts.update({f"{kind}{number}": part for number, part in enumerate(getattr(self, kind), 1)})
        return {name: part.pid for name, part in parts.items()}

    def everything(self):
        """What a dry run leaves alone: processes; the hosts' folders and files, but for data and logs; records and proofs; the keys
        of the registry."""
        hosts = [*self.old_pumps, self.old_drainer, *self.pumps, self.new_drainer]
        pids = {**self.old_pids(), **{host.name: host.pid for host in (*self.tidbs, *self.pumps, self.new_drainer)}}
        files = {}
        for root in {host.deploy_dir for host in hosts} | {os.path.dirname(self.migration_file(""))}:
            for folder, folders, names in os.walk(root):
                if folder == root:
                    folders[:] = [name for name in folders if name not in ("log", "status") and not name.startswith("data.")]
                files[folder] = None
                files.update({path: process.file_digest(path) for path in (f"{folder}/{name}" for name in names)})
        return pids, files, sorted(self.pd.prefix("/tidb-binlog"))

    def assert_rows_go_on_and_each_arrived_once(self):
        """Rows written now arrive; once business is paused all rows are downstream, none twice."""
        before = len(self.received)
        wait.until("rows written to the new Pumps arrive", lambda: len(self.received) > before, 60)
        for tidb in self.tidbs:
            tidb.pause()
        self.wait_received()
        received = self.received
        assert sorted(received) == sorted(self.sent), f"{len(received)} received of {len(self.sent)} sent"


class Migration(Operator, LegacyCluster):
    """`new_pumps` hosts for Pumps and one for a Drainer, in the inventory and empty."""

    def __init__(self, *arguments, new_pumps=2, start=True, **options):
        super().__init__(*arguments, start=start, **options)
        if self.old_supervision != "command":
            self.everywhere = {**HERE, "old_pump_supervision": "supervise", "old_drainer_supervision": "supervise"}
        try:
            self.pumps = [FreshPump(f"pump{number}", self.folder, f"{self._network}.{10 + number}", self.pd.url, self.environment)
                          for number in range(1, new_pumps + 1)]
            self.new_drainer = DrainerHost("drainer1", self.folder, f"{self._network}.101", self.pd.url, self.environment)
            self.drainers = [self.new_drainer]
            for host in (*self.pumps, self.new_drainer):
                os.makedirs(host.deploy_dir)  # as the bootstrap of hosts leaves it
                host.give_to_user()
            self.prepare_control_host()
            self._offer_supervise()
            self.write_inventory()
        except BaseException:
            self.close(keep_files=True)
            raise

    def _offer_supervise(self):
        """The stand-in's, which gives what it starts the environment of this cluster."""
        with open(paths.peer("supervise"), encoding="ascii") as file:
            supervise = exporting(file.read(), {name: self.environment[name] for name in ("BASH_ENV", MARK)})
        # scripts, too: the programs are those of the user land the tool runs in
        texts = {"supervise": supervise,
                 **{program: f'#!/bin/sh\nexec /usr/bin/{program} "$@"\n' for program in ("svc", "svstat")}}
        for program, text in texts.items():
            path = f"{self.resources_dir}/bin/{program}"
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o755)
