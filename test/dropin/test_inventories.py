"""playbooks/ in place with the inventories tidb-ansible's users have: the same cluster, told in the words of each branch.

The cluster is rolled once with the plainest inventory. Every other one describes the same hosts, so a plan made with it must
find nothing to change: every path, port, address, unit and file came out the same.
"""
import json

import conftest
import pytest

from support import cluster as clusters
from support import playbook, process

SECTIONS = """\
## TiDB Cluster Part
[tidb_servers]
192.168.0.2

[tikv_servers]
192.168.0.3

[pd_servers]
{pds}

[spark_master]

[spark_slaves]

## Monitoring Part
[monitoring_servers]
192.168.0.10

[monitored_servers]
192.168.0.2
192.168.0.10

[kafka_exporter_servers]

## Binlog Part
[pump_servers]
{pumps}

[drainer_servers]

{group_vars}

## Global variables
[all:vars]
deploy_dir = {default_deploy_dir}
ansible_user = tidb
ansible_connection = local
cluster_name = test-cluster
tidb_version = {version}
process_supervision = supervise
timezone = Asia/Shanghai
enable_firewalld = False
enable_ntpd = True
set_hostname = False
enable_binlog = {enable_binlog}
kafka_addrs = ""
zookeeper_addrs = ""
enable_tls = False
deploy_without_tidb = False
alertmanager_target = ""
grafana_admin_user = "admin"
{more}
"""

# How each branch's users write hosts: by alias, by address, with Ansible's former variable; ports at the host or the group.
# The former one is where SSH goes, and never what a Pump advertises: tidb-ansible reads ansible_host, or else the name.
BY_ALIAS = "{name} ansible_host={address} deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
BY_ADDRESS = "{address} deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
FORMER = "{address} ansible_ssh_host=127.0.0.1 deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
PATHS = BY_ALIAS + " pump_data_dir={deploy_dir}/data.pump pump_log_dir={deploy_dir}/log backup_dir={deploy_dir}/backup"

STYLES = {
    "release-2.0-new-binlog": (FORMER, {"version": "v2.0.11-binlog", "more": "enable_slow_query_log = False"}),
    "release-2.1": (BY_ADDRESS, {"version": "v2.1.19", "enable_binlog": "true"}),
    "release-3.0": (BY_ALIAS, {"version": "v3.0.20", "more": "wait_replication = True", "enable_binlog": "yes"}),
    "release-3.1": (PATHS, {"version": "v3.1.2", "more": "cpu_architecture = amd64"}),
    "release-4.0": (BY_ALIAS, {"version": "nightly", "more": "[tiflash_servers]\n[lightning_server]\n[importer_server]"}),
}


def write(cluster, style, version, enable_binlog="True", more=""):
    lines = [style.format(name=pump.name, address=pump.address, deploy_dir=pump.deploy_dir, port=pump.port,
                          resources=cluster.resources_dir) for pump in cluster.pumps]
    cluster.inventory.write_text(SECTIONS.format(
        pds=f"{cluster.pd.host} pd_client_port={cluster.pd.port}", pumps="\n".join(lines), version=version, more=more,
        enable_binlog=enable_binlog, default_deploy_dir="/home/tidb/deploy",
        group_vars="[pump_servers:vars]\npump_log_filename = pump.log\nrestart = on-failure"), encoding="utf-8")


@pytest.mark.parametrize("branch", STYLES)
def test_the_same_cluster_in_the_words_of_a_branch_needs_no_change(rolled, branch):
    style, values = STYLES[branch]
    write(rolled, style, **values)
    conftest.assert_nothing_to_change(rolled)


def test_ports_and_folders_may_stand_in_vars_of_groups(rolled):
    """None of them is overruled by a value of ours."""
    groups = [f"[{pump.name}_group]\n{pump.name} ansible_host={pump.address}\n"
              f"[{pump.name}_group:vars]\npump_port = {pump.port}\ndeploy_dir = {pump.deploy_dir}\n" for pump in rolled.pumps]
    rolled.inventory.write_text(
        f"[pd_servers]\npd1 ansible_host={rolled.pd.host}\n[pd_servers:vars]\npd_client_port = {rolled.pd.port}\n"
        + "[pump_servers:children]\n" + "".join(f"{pump.name}_group\n" for pump in rolled.pumps) + "".join(groups)
        + "[pump_servers:vars]\npump_data_dir = {{ deploy_dir }}/data.pump\npump_log_dir = {{ deploy_dir }}/log\n"
        + f"[all:vars]\nansible_connection = local\nansible_user = tidb\nenable_binlog = True\nprocess_supervision = supervise\n"
        f"resources_dir = {rolled.resources_dir}\nbackup_dir = {{{{ deploy_dir }}}}/backup\n", encoding="utf-8")
    conftest.assert_nothing_to_change(rolled)


def test_what_is_set_in_group_vars_beside_the_inventory_counts(rolled):
    """As in a checkout of tidb-ansible with edits of its own."""
    write(rolled, BY_ALIAS, "v4.0.14")
    edited = rolled.inventory.with_name("group_vars") / "all.yml"
    edited.parent.mkdir()
    edited.write_text('pump_port: 1\npump_log_dir: "{{ deploy_dir }}/log/own"\n', encoding="utf-8")
    try:
        plan = playbook.roll(rolled, "--check", "--diff").assert_done()
    finally:
        edited.unlink()
        edited.parent.rmdir()
    staged = dict(plan.results("copy-binary", "ok"))
    for pump in rolled.pumps:
        assert f"{pump.deploy_dir}/log/own/pump.log" in json.dumps(staged[pump.name]["diff"])


def test_several_pumps_on_one_host(tmp_path):
    """One address for all: they differ in port and folder, and are told apart everywhere."""
    old, new = (clusters.make_peer(str(tmp_path / version), version) for version in ("v4.0.14", "v4.0.16"))
    with clusters.Cluster(old=old, one_host=True) as cluster:
        assert len({pump.address for pump in cluster.pumps}) == 1
        cluster.offer(new)
        done = playbook.roll(cluster).assert_done()
        assert [host for host, _ in done.restarts()] == ["pump1", "pump2", "pump3"]
        assert set(cluster.digests().values()) == {process.file_digest(new)}
        for host, turn in done.restarts():
            assert sorted(turn["peers_online"]) == sorted(pump.node_id for pump in cluster.pumps if pump.name != host)
        assert playbook.roll(cluster).assert_done().changed_hosts() == []
        cluster.pump("pump3").stop()
        cluster.offer(old)
        cluster.write_inventory(pumps=cluster.pumps[:2])
        playbook.roll(cluster, variables={"accept_downgrade": True}).assert_refused("peers_not_ready")


def test_enable_binlog_false_is_refused(rolled):
    write(rolled, BY_ALIAS, "v4.0.14", enable_binlog="False")
    playbook.roll(rolled, "--check").assert_refused("binlog_disabled")
