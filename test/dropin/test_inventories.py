"""playbooks/ in place with the inventories tidb-ansible's users have: the same cluster, told in the words of each branch.

The cluster is rolled once with the plainest inventory. Every other one describes the same hosts, so a plan made with it must
find nothing to change: every path, port, address, unit and file came out the same.
"""
import pytest

from support import cluster as clusters
from support import playbook

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
BY_ALIAS = "{name} ansible_host={address} deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
BY_ADDRESS = "{address} deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
FORMER = "{address} ansible_ssh_host={address} deploy_dir={deploy_dir} pump_port={port} resources_dir={resources}"
PATHS = BY_ALIAS + " pump_data_dir={deploy_dir}/data.pump pump_log_dir={deploy_dir}/log backup_dir={deploy_dir}/backup"

STYLES = {
    "release-2.0-new-binlog": (FORMER, {"version": "v2.0.11-binlog", "more": "enable_slow_query_log = False"}),
    "release-2.1": (BY_ADDRESS, {"version": "v2.1.19", "enable_binlog": "true"}),
    "release-3.0": (BY_ALIAS, {"version": "v3.0.20", "more": "wait_replication = True", "enable_binlog": "yes"}),
    "release-3.1": (PATHS, {"version": "v3.1.2", "more": "cpu_architecture = amd64"}),
    "release-4.0": (BY_ALIAS, {"version": "nightly", "more": "[tiflash_servers]\n[lightning_server]\n[importer_server]"}),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    old = clusters.make_peer(str(tmp_path_factory.mktemp("peers") / "old"), "v4.0.14")
    with clusters.Cluster(old=old) as cluster:
        cluster.offer(old)
        playbook.roll(cluster).assert_done()
        yield cluster


def write(cluster, style, version, enable_binlog="True", more=""):
    lines = [style.format(name=pump.name, address=pump.address, deploy_dir=pump.deploy_dir, port=pump.port,
                          resources=cluster.resources_dir) for pump in cluster.pumps]
    cluster.inventory.write_text(SECTIONS.format(
        pds=f"{cluster.pd.host} pd_client_port={cluster.pd.port}", pumps="\n".join(lines), version=version, more=more,
        enable_binlog=enable_binlog, default_deploy_dir="/home/tidb/deploy",
        group_vars="[pump_servers:vars]\npump_log_filename = pump.log\nrestart = on-failure"), encoding="utf-8")


@pytest.mark.parametrize("branch", STYLES)
def test_the_same_cluster_in_the_words_of_a_branch_needs_no_change(running, branch):
    style, values = STYLES[branch]
    write(running, style, **values)
    plan = playbook.roll(running, "--check", "--diff").assert_done()
    staged = plan.results("copy-binary", "ok")
    assert len(staged) == 3
    assert not [result["diff"] for _, result in staged if result["changed"]]
    assert plan.changed_hosts() == []


def test_enable_binlog_false_is_refused(running):
    write(running, BY_ALIAS, "v4.0.14", enable_binlog="False")
    playbook.roll(running, "--check").assert_refused("binlog_disabled")
