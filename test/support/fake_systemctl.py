#!/usr/bin/python3
"""A systemctl for one unit, where systemd does not run: as much of it as a stop and a start take. The unit is the folder
this program lies in: etc/UNIT, pid, calls, and what was loaded from the runtime drop-in at the last daemon-reload."""
import json
import os
import pathlib
import signal
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
RUNTIME = pathlib.Path("/run/systemd/system")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def read(path):
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main():
    words = [word for word in sys.argv[1:] if word not in ("--no-pager", "--no-ask-password")]
    with open(here / "calls", "a", encoding="utf-8") as calls:
        calls.write(" ".join(words) + "\n")
    unit = next((word for word in words if word.endswith(".service")), "")
    file = here / "etc" / unit if unit else here / "etc"
    pid = int(read(here / "pid") or 0)
    running = pid and alive(pid)
    masked = unit and file.is_symlink() and os.readlink(file) == "/dev/null"
    loaded = json.loads(read(here / "loaded") or "{}")
    verb = words[0]
    if verb == "show":
        state = {"LoadState": "masked" if masked else "loaded" if file.exists() else "not-found",
                 "ActiveState": "active" if running else "inactive", "SubState": "running" if running else "dead",
                 "MainPID": str(pid if running else 0), "NRestarts": "0", "UnitFileState": "masked" if masked else "enabled",
                 "SendSIGKILL": loaded.get("SendSIGKILL", "yes"), "KillSignal": "15", "ControlGroup": "",
                 "NeedDaemonReload": "no", "Result": "success", "Restart": loaded.get("Restart", "always"),
                 "FragmentPath": str(file) if file.exists() or masked else ""}
        for name in words[words.index("-p") + 1].split(","):
            if name in state:
                print(f"{name}={state[name]}")
    elif verb == "daemon-reload":
        loaded = {}
        for drop_in in RUNTIME.glob(f"{read(here / 'unit').strip()}.d/*.conf"):
            loaded.update(line.split("=", 1) for line in read(drop_in).splitlines() if "=" in line and line[0] != "#")
        (here / "loaded").write_text(json.dumps(loaded), encoding="utf-8")
    elif verb == "stop":
        if running:
            os.kill(pid, signal.SIGTERM)
    elif verb == "start":
        if masked:
            sys.exit(f"Failed to start {unit}: Unit {unit} is masked.")
        if not running:
            command = next(line[10:] for line in read(file).splitlines() if line.startswith("ExecStart="))
            child = subprocess.Popen(["/bin/bash", "-c", f"exec {command}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL, start_new_session=True)
            (here / "pid").write_text(str(child.pid), encoding="utf-8")


main()
