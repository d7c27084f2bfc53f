"""Kafka's and ZooKeeper's classes, and processes that run them in the layout of the old deployments.

setup.sh has Maven bring Kafka's jars (install_kafka); TBU_KAFKA names another folder of them. ZooKeeper is Debian's."""
import os
import pathlib
import shutil
import subprocess

from . import net, process, wait

JARS = pathlib.Path(os.environ.get("TBU_KAFKA", "/var/cache/tidb-binlog-upgrade/kafka-2.8.2"))
DEBIAN = pathlib.Path("/usr/share/java")
ZOOKEEPER = ":".join(f"{DEBIAN}/{name}.jar" for name in ("zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-simple", "metrics-core",
                                                         "netty-all", "snappy-java", "commons-cli"))
NOT_TESTED = 77  # the exit status that ctest lists as "Skipped"

# What Kafka's own scripts come to: one class of its jars, with a small heap.
RUN_CLASS = """\
#!/bin/bash
exec java -Xms32m -Xmx{heap}m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \\
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaServer=info \\
    -cp "{jars}" {main} "$@"
"""

STOP_BY_GREP = """\
stop)
    # As the real one: what ps and grep find, one match or nothing is done; the exit status is 0 in any case.
    pids=$(ps ax | grep -i "$deploy_dir" | grep -i '{pattern}' | grep java | grep -v grep | awk '{{print $1}}')
    if [ "$(echo "$pids" | wc -w)" -eq 1 ]; then kill -s TERM "$pids"; else echo "not running"; fi
    ;;
"""


def runtime():
    """Java's program, and the folders that it needs besides a user land."""
    return os.path.realpath(shutil.which("java")), ["/usr/lib/jvm", *map(str, pathlib.Path("/etc").glob("java-*-openjdk"))]


def missing():
    """Why there is no Kafka here; "" if there is one."""
    if not (JARS / "complete").exists():
        return f"not tested here: no Kafka (Maven did not bring its jars to {JARS})"
    if not shutil.which("java"):
        return "not tested here: no Kafka (there is no Java)"
    return ""


class JavaService:
    """`main` is its class, as ps shows it; `deploy_dir` is part of its command line. `machine`: the host of a rig that it runs on
    (test/hosts); without one, this machine."""

    main = ""
    name = ""
    jars = f"{JARS}/*"

    def __init__(self, deploy_dir, environment, machine=None):
        self.deploy_dir, self.machine = deploy_dir, machine
        self.host, self.port = (machine.address, self.usual_port) if machine else ("127.0.0.1", net.free_port())
        self.address = f"{self.host}:{self.port}"
        self._environment = environment
        for folder in ("bin", "scripts", "conf", "log"):
            os.makedirs(self.seen(folder), exist_ok=True)

    def seen(self, name):
        """Path of one of its files as seen from here."""
        path = f"{self.deploy_dir}/{name}"
        return self.machine.seen(path) if self.machine else path

    def write(self, name, text, mode=0o644):
        path = self.seen(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)

    def write_class(self, name, main, heap=96, before=""):
        """A script in bin that runs a class; `before` is a line of its own ahead of that."""
        text = RUN_CLASS.format(heap=heap, jars=self.jars, main=main)
        self.write(name, text.replace("exec java", f"{before}\nexec java") if before else text, 0o755)

    def script(self, *arguments):
        command = [f"{self.deploy_dir}/scripts/run_{self.name}.sh", *arguments]
        if self.machine:
            return self.machine.ssh(" ".join(command), check=False)
        return subprocess.run(command, cwd="/", text=True, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False, start_new_session=True)

    def start(self, seconds=60):
        self.begin()
        self.wait_up(seconds)

    def begin(self):
        """Starts it, without waiting for it: alone, a ZooKeeper of several serves nobody."""
        self.script("start")

    def wait_up(self, seconds=60):
        wait.until(f"{self.name} answers", self.is_up, seconds, every=0.1)

    def is_up(self):
        return process.connects(self.host, self.port)

    def stop(self, seconds=30):
        self.script("stop")
        wait.until(f"{self.name} has ended", lambda: not self.pid, seconds)

    @property
    def pid(self):
        for pid in self.machine.pids("java") if self.machine else process.pids():
            line = process.command_line(pid)
            if self.main in line and any(word.startswith(f"{self.deploy_dir}/") for word in line) and process.alive(pid):
                return pid
        return None
