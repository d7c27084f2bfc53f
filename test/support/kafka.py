"""A real Kafka broker as the old deployments have it: deploy_dir with scripts/run_kafka.sh start|stop, and its tools in
deploy_dir/bin (so deploy_dir is also what tools call kafka_home)."""
import os
import subprocess

from .java import STOP_BY_GREP, JavaService

RUN = """\
#!/bin/bash
deploy_dir={deploy_dir}
cd "$deploy_dir" || exit 0
case $1 in
start) nohup bin/kafka-server-start.sh "$deploy_dir/conf/server.properties" >>log/kafka.log 2>&1 & ;;
{stop}
esac
exit 0
"""

CONFIGURATION = """\
broker.id={broker}
listeners=PLAINTEXT://{host}:{port}
log.dirs={deploy_dir}/datalog
zookeeper.connect={zookeeper}
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
auto.create.topics.enable=true
delete.topic.enable=false
log.retention.hours=120
group.initial.rebalance.delay.ms=0
controlled.shutdown.max.retries=1
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.enable=false
"""

CLASSES = {
    "kafka-server-start.sh": "kafka.Kafka",
    "kafka-topics.sh": "kafka.admin.TopicCommand",
    "kafka-consumer-groups.sh": "kafka.admin.ConsumerGroupCommand",
    "kafka-console-consumer.sh": "kafka.tools.ConsoleConsumer",
    "kafka-get-offsets.sh": "kafka.tools.GetOffsetShell",
    "zookeeper-shell.sh": "org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka -server",
}


class Kafka(JavaService):
    main = "kafka.Kafka"
    name = "kafka"
    usual_port = 9092

    def __init__(self, deploy_dir, zookeepers, environment, broker=1, machine=None):
        super().__init__(deploy_dir, environment, machine)
        self.home = deploy_dir
        self._broker, self._logged = broker, 0  # size of its log before the last start
        self.data_dir = f"{deploy_dir}/datalog"
        self.write("conf/server.properties", CONFIGURATION.format(
            deploy_dir=deploy_dir, host=self.host, port=self.port, broker=broker,
            zookeeper=",".join(each.address for each in zookeepers)))
        self.write("scripts/run_kafka.sh", RUN.format(
            deploy_dir=deploy_dir, stop=STOP_BY_GREP.format(pattern="kafka\\.Kafka")), 0o755)
        for script, main in CLASSES.items():
            self.write_class(f"bin/{script}", main, heap=128 if script == "kafka-server-start.sh" else 64)

    def begin(self):
        self._logged = self._log_size()
        super().begin()

    def _log_size(self):
        path = self.seen("log/kafka.log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def is_up(self):
        """Its port is open a while before it can make topics."""
        with open(self.seen("log/kafka.log"), encoding="utf-8", errors="replace") as file:
            file.seek(self._logged)
            return f"[KafkaServer id={self._broker}] started" in file.read()

    def run(self, script, *arguments):
        """stdout of one of Kafka's tools."""
        return subprocess.run([f"{self.home}/bin/{script}", *arguments], env=self._environment, text=True, check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def topics(self):
        return self.run("kafka-topics.sh", "--bootstrap-server", self.address, "--list").split()

    def end_offset(self, topic):
        """How many messages partition 0 of the topic ever got; None without such a topic."""
        if topic not in self.topics():
            return None
        text = self.run("kafka-get-offsets.sh", "--broker-list", self.address, "--topic", topic)
        return int(text.strip().rpartition(":")[2])
