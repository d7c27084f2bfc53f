"""A real ZooKeeper, Debian's, as the old deployments have it: deploy_dir with scripts/run_zookeeper.sh start|stop|status."""
from .java import ZOOKEEPER, JavaService

RUN = """\
#!/bin/bash
# start|stop|status; exits 0 whatever becomes of it.
deploy_dir={deploy_dir}
cd "$deploy_dir" || exit 0
case $1 in
start) nohup bin/zkServer.sh "$deploy_dir/conf/zoo.cfg" >>log/zookeeper.log 2>&1 & ;;
stop) kill "$(cat data/zookeeper_server.pid 2>/dev/null)" 2>/dev/null ;;
status) exec 3<>/dev/tcp/{host}/{port} && echo srvr >&3 && cat <&3 ;;
esac
exit 0
"""

CONFIGURATION = """\
tickTime=2000
dataDir={deploy_dir}/data
dataLogDir={deploy_dir}/datalog
clientPort={port}
clientPortAddress={host}
admin.enableServer=false
4lw.commands.whitelist=*
"""


class Zookeeper(JavaService):
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    name = "zookeeper"
    usual_port = 2181
    jars = ZOOKEEPER

    def __init__(self, deploy_dir, environment, machine=None):
        super().__init__(deploy_dir, environment, machine)
        values = {"deploy_dir": deploy_dir, "host": self.host, "port": self.port}
        self.data_dir = f"{deploy_dir}/data"
        self.write("conf/zoo.cfg", CONFIGURATION.format(**values))
        self.write("scripts/run_zookeeper.sh", RUN.format(**values), 0o755)
        self.write("data/myid", "1\n")
        self.write_class("bin/zkServer.sh", self.main, before="echo $$ >data/zookeeper_server.pid")
