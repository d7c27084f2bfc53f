"""A Drainer that a unit with Restart=always keeps, by a systemctl of the tests' own (systemd itself: test/hosts)."""
import os
import pathlib
import shutil
import signal
import time

import pytest

from support import paths, process, tool
from support.retiring import Retiring, codes, steps

UNIT = """\
[Service]
User=tidb
ExecStart=/usr/sbin/runuser -u tidb -- {deploy_dir}/scripts/run_drainer.sh
Restart=always
"""


@pytest.fixture(scope="module")
def old():
    with Retiring() as ready:
        drainer = ready.old_drainer
        folder = pathlib.Path(ready.folder, "systemd")
        (folder / "etc").mkdir(parents=True)
        shutil.copy(paths.SUPPORT / "fake_systemctl.py", folder / "systemctl")
        (folder / "systemctl").chmod(0o755)
        ready.unit = f"tbu-drainer-{drainer.port}.service"
        (folder / "unit").write_text(ready.unit, encoding="utf-8")
        ready.unit_file = folder / "etc" / ready.unit
        ready.unit_file.write_text(UNIT.format(deploy_dir=drainer.deploy_dir).replace("/usr/sbin/runuser -u tidb -- ", ""),
                                   encoding="utf-8")
        (folder / "pid").write_text(str(drainer.pid), encoding="utf-8")
        ready.environment = {**ready.environment, "PATH": f"{folder}:{ready.environment['PATH']}"}
        ready.systemd = folder
        yield ready
        shutil.rmtree(f"/run/systemd/system/{ready.unit}.d", ignore_errors=True)


def orders(old):
    return [line for line in (old.systemd / "calls").read_text(encoding="utf-8").splitlines() if not line.startswith("show")]


def test_a_unit_that_keeps_another_process_is_refused(old):
    recorded = (old.systemd / "pid").read_text(encoding="utf-8")
    (old.systemd / "pid").write_text(str(old.old_pump.pid), encoding="utf-8")
    refused = old.stop_old("drainer", service=old.unit)
    (old.systemd / "pid").write_text(recorded, encoding="utf-8")
    assert "wrong_node" in codes(refused) and old.old_drainer.pid, refused
    assert not (old.systemd / "calls").exists() or orders(old) == []


def test_a_unit_is_held_stopped_and_masked(old):
    text = old.unit_file.read_text(encoding="utf-8")
    plan = old.stop_old("drainer", "--check", service=old.unit)
    assert [step["step"] for step in plan["plan"]] == ["record", "hold", "stop", "mask"] and orders(old) == []
    gone = old.stop_old("drainer", service=old.unit)
    assert gone.status == 0 and gone["changed"], gone
    assert list(steps(gone)) == ["verify", "record", "hold", "stop", "deregistered", "mask", "settled"]
    assert orders(old)[0] == "daemon-reload" and "stop --no-block" in orders(old)[-2]
    drop_in = pathlib.Path(f"/run/systemd/system/{old.unit}.d/zz-tidb-binlog-upgrade.conf").read_text(encoding="utf-8")
    for line in ("SendSIGKILL=no", "TimeoutStopSec=infinity", "Restart=no"):
        assert f"\n{line}\n" in drop_in
    assert os.readlink(old.unit_file) == "/dev/null"
    kept = pathlib.Path(old.folder_of("drainer"), old.unit)
    assert kept.read_text(encoding="utf-8") == text and not old.old_drainer.pid
    again = old.stop_old("drainer", service=old.unit)
    assert again.status == 0 and not again["changed"], again


def test_undo_puts_the_unit_back_and_starts_it(old):
    back = old.undo("drainer")  # the record knows the unit
    assert back.status == 0 and list(steps(back)) == ["unmask", "start", "proven"], back
    assert "Restart=always" in old.unit_file.read_text(encoding="utf-8") and not old.unit_file.is_symlink()
    assert not os.path.exists(f"/run/systemd/system/{old.unit}.d") and old.old_drainer.pid
    assert not old.undo("drainer", service=old.unit)["changed"]


def test_killed_anywhere_the_unit_ends_masked_and_whole(old):
    text = old.unit_file.read_text(encoding="utf-8")
    for tenths in (20, 22, 23, 24, 25, 27) if os.environ.get("TBU_FULL") else (22, 24):
        call = tool.start("decommission-legacy", *old.words("drainer", service=old.unit), environment=old.environment)
        time.sleep(tenths / 10)
        call.send_signal(signal.SIGKILL)
        call.communicate()
        done = old.stop_old("drainer", service=old.unit)
        assert done.status == 0 and os.readlink(old.unit_file) == "/dev/null", (tenths, done)
        assert not process.listening(old.old_drainer.port)
        back = old.undo("drainer", service=old.unit)
        assert back.status == 0 and old.unit_file.read_text(encoding="utf-8") == text, (tenths, back)


def test_a_unit_that_came_back_is_not_believed_to_be_gone(old):
    assert old.stop_old("drainer", service=old.unit).status == 0
    old.unit_file.unlink()
    old.unit_file.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    again = old.stop_old("drainer", service=old.unit)
    # The link is made anew, and it says so.
    assert again.status == 0 and again["changed"] and os.readlink(old.unit_file) == "/dev/null", again
