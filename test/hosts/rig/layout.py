"""Pumps and Drainers as tidb-ansible (release-4.0) leaves them on a host: folders, unit, scripts, configuration."""
import json
import os
import shutil

from support import paths
from support.host import PUMP_TOML, RUN_DRAINER, RUN_PUMP

from .host import DEPLOY_DIR, UID

FOLDERS = ("bin", "scripts", "conf", "status", "log", "backup")

# What systemd does with it is what counts: no SIGKILL, back after 15 s when it ends badly, not there after a reboot.
UNIT = """\
[Unit]
Description={service} service
After=syslog.target network.target remote-fs.target nss-lookup.target

[Service]
LimitNOFILE=1000000
#LimitCORE=infinity
LimitSTACK=10485760
User=tidb
ExecStart={deploy_dir}/scripts/run_{component}.sh
Restart=on-failure
RestartSec=15s
SendSIGKILL=no

[Install]
WantedBy=multi-user.target
"""

SYSTEMCTL = """\
#!/bin/bash
set -e

# WARNING: This file was auto-generated. Do not edit!
#          All your edit might be overwritten!
sudo systemctl {verb} {service}.service

"""

# As tidb-ansible's, these end what they find by force: the tools must never run them.
SUPERVISE_START = """\
#!/bin/bash
cd "{deploy_dir}" || exit 1
if [ "$(id -u)" -eq 0 ]; then
    echo "error: not as root"
    exit 1
fi
bin/svc -u "status/{component}" &>/dev/null || true
if bin/svstat "status/{component}" 2>/dev/null | grep -q 'up (pid\\|up pid'; then
    echo "ok: already started!"
    exit 0
fi
former=$(cat "status/{component}/pid" 2>/dev/null)
if [ -n "$former" ] && [ "$(readlink "/proc/$former/cwd")" == "{deploy_dir}" ]; then
    kill -9 "$former"
fi
nohup bin/supervise "status/{component}" "{deploy_dir}/scripts/run_{component}.sh" &>/dev/null &
echo $! > "status/{component}/pid"
echo "ok: started!"
"""

SUPERVISE_STOP = """\
#!/bin/bash
cd "{deploy_dir}" || exit 1
bin/svc -d "status/{component}" &>/dev/null
if [ "$(basename "$(readlink "/proc/$(cat "status/{component}/pid")/exe")")" == supervise ]; then
    kill "$(cat "status/{component}/pid")"
fi
echo "ok: stopped!"
"""

DRAINER_CONFIGURATION = """\
detect-interval = 1

[syncer]
ignore-schemas = "INFORMATION_SCHEMA,PERFORMANCE_SCHEMA,mysql"
txn-batch = 20
worker-count = 16
disable-dispatch = false
safe-mode = false
db-type = "file"

[syncer.to]
dir = "{deploy_dir}/data.drainer"

[security]
ssl-ca = "{ca}"
ssl-cert = "{cert}"
ssl-key = "{key}"
"""


# Of those that connect to it, and of those it connects to: a Pump asks PD's certificate, too.
ALLOWED_NAMES = ["client", "pump-server", "pd-server", "drainer-server"]


def deploy(node, binary, supervision, certificates=None):
    """Installs a node; it does not run afterwards."""
    for folder in (*FOLDERS, f"data.{node.component}"):
        (node.deploy / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy2(binary, node.deploy / "bin" / node.component)
    on_host = {"ca": "", "cert": "", "key": ""}
    if certificates:
        on_host = install_certificates(node, certificates)
    values = {"deploy_dir": DEPLOY_DIR, "port": node.port, "address": node.address, "pd_urls": node.rig.pd.url,
              "component": node.component, "service": node.unit, "initial_commit_ts": -1, **on_host}
    write(node, f"scripts/run_{node.component}.sh", _run_script(node, certificates).format(**values), 0o755)
    write(node, f"conf/{node.component}.toml", _configuration(node, certificates, values), 0o644)
    if supervision == "systemd":
        write_unit(node, UNIT.format(**values))
        for verb in ("start", "stop"):
            write(node, f"scripts/{verb}_{node.component}.sh", SYSTEMCTL.format(verb=verb, **values), 0o755)
    else:
        (node.deploy / "status" / node.component).mkdir(exist_ok=True)
        # A supervise that the tool starts has no login's environment, and so not the image's cure for a limit that this
        # machine may not allow (see image.py).
        with open(paths.peer("supervise"), encoding="utf-8") as file:
            text = file.read().replace("#!/bin/sh\n", "#!/bin/sh\nexport BASH_ENV=/etc/soft-ulimit\n", 1)
        write(node, "bin/supervise", text, 0o755)
        for program in ("svc", "svstat"):
            shutil.copy2(node.root / "usr/bin" / program, node.deploy / "bin" / program)
        for verb, text in (("start", SUPERVISE_START), ("stop", SUPERVISE_STOP)):
            write(node, f"scripts/{verb}_{node.component}.sh", text.format(**values), 0o755)
    node.set_knobs()
    give_to_tidb(node.data)


def _run_script(node, certificates):
    if node.component == "drainer":
        return RUN_DRAINER
    # with TLS, tidb-ansible's template leaves two blanks behind
    return RUN_PUMP.replace("overwritten!\n\n", "overwritten!\n  \n") if certificates else RUN_PUMP


def _configuration(node, certificates, values):
    if node.component == "drainer":
        return DRAINER_CONFIGURATION.format(**values)
    text = PUMP_TOML
    for name in ("ca", "cert", "key"):
        text = text.replace(f'ssl-{name} = ""', f'ssl-{name} = "{values[name]}"')
    if certificates:
        text = text.replace("[security]\n", f"[security]\ncert-allowed-cn = {json.dumps(ALLOWED_NAMES)}\n")
    return text


def install_certificates(node, certificates):
    """As tidb-ansible lays them out: the CA, and the host's own by its address."""
    folder = node.deploy / "conf/ssl"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = f"{node.component}-server-{node.address}"
    for name in ("ca.pem", f"{own}.pem", f"{own}-key.pem"):
        shutil.copy2(f"{certificates.folder}/{name}", folder / name)
        (folder / name).chmod(0o600)
    inside = f"{DEPLOY_DIR}/conf/ssl"
    return {"ca": f"{inside}/ca.pem", "cert": f"{inside}/{own}.pem", "key": f"{inside}/{own}-key.pem"}


def write(node, name, text, mode):
    path = node.deploy / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def write_unit(node, text):
    node.unit_file.write_text(text, encoding="utf-8")
    node.unit_file.chmod(0o644)
    if node.is_up:
        node.systemctl("daemon-reload")


def give_to_tidb(folder):
    for path, _, files in os.walk(folder):
        for name in (path, *(os.path.join(path, file) for file in files)):
            os.chown(name, UID, UID, follow_symlinks=False)
