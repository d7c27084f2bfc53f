"""A real ZooKeeper, Debian's, as the old deployments have it: deploy_dir with scripts/run_zookeeper.sh start|stop|status."""
from . import net
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


# One of several.
LIMITS = """\
initLimit=10
syncLimit=5
"""
MEMBERS_FILE = "conf/zoo.cfg.dynamic"


class Zookeeper(JavaService):
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    name = "zookeeper"
    usual_port = 2181
    jars = ZOOKEEPER

    def __init__(self, deploy_dir, environment, machine=None, number=1):
        super().__init__(deploy_dir, environment, machine)
        values = {"deploy_dir": deploy_dir, "host": self.host, "port": self.port}
        self.data_dir = f"{deploy_dir}/data"
        self.write("conf/zoo.cfg", CONFIGURATION.format(**values))
        self.write("scripts/run_zookeeper.sh", RUN.format(**values), 0o755)
        self.write("data/myid", f"{number}\n")
        self.write_class("bin/zkServer.sh", self.main, before="echo $$ >data/zookeeper_server.pid")

    @classmethod
    def ensemble(cls, deploy_dir, environment, count):
        """So many that need a majority of themselves; of one, nothing is said of others. The last one has its members in a file of
        their own, relative to where it runs."""
        members = [cls(deploy_dir if number == 1 else f"{deploy_dir}{number}", environment, number=number)
                   for number in range(1, count + 1)]
        if count > 1:
            lines = "\n".join(f"server.{number}={each.host}:{net.free_port()}:{net.free_port()}"
                              for number, each in enumerate(members, 1))
            for each in members:
                apart = each is members[-1]
                with open(f"{each.deploy_dir}/conf/zoo.cfg", "a", encoding="ascii") as file:
                    file.write(f"{LIMITS}{f'dynamicConfigFile={MEMBERS_FILE}' if apart else lines}\n")
                if apart:
                    each.write(MEMBERS_FILE, f"{lines}\n")
        return members
