"""A MariaDB of one's own, the downstream of a Drainer."""
import subprocess

from . import net, wait

DESTINATION = """\
db-type = "mysql"
[syncer.to]
host = "{host}"
user = "root"
password = ""
port = {port}
"""


class MariaDb:
    """Below `folder`, which goes with its cluster: so does the server, found by its environment. `host` is where it listens."""

    def __init__(self, folder, environment, host="127.0.0.1"):
        self.host, self.port = host, net.free_port()
        self._socket = f"{folder}/socket"
        self._data = f"{folder}/data"
        self._log = f"{folder}.log"
        self._environment = environment
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self._data}", "--user=root",
                        "--skip-test-db", "--auth-root-authentication-method=normal"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                ["mariadbd", "--no-defaults", "--user=root", f"--datadir={self._data}", f"--socket={self._socket}",
                 f"--port={self.port}", f"--bind-address={host}", "--skip-name-resolve", "--skip-grant-tables",
                 "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        wait.until("MariaDB answers", lambda: self.query("select 1") == [["1"]], seconds=60)

    @property
    def destination(self):
        """The [syncer] part of a drainer.toml."""
        return DESTINATION.format(host=self.host, port=self.port)

    def query(self, statement):
        """Rows of texts; None where the server does not answer."""
        done = subprocess.run(["mariadb", "--no-defaults", f"--socket={self._socket}", "-N", "-B", "-e", statement],
                              text=True, capture_output=True, check=False)
        return [line.split("\t") for line in done.stdout.splitlines()] if done.returncode == 0 else None
