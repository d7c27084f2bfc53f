"""playbooks/ in place with `-i` pointing into a checkout of tidb-ansible: its own inventory.ini, filled in, and its group_vars."""
import re

import conftest
import pytest
import upstream

pytestmark = pytest.mark.upstream


def filled_in(text, cluster):
    """The inventory with the hosts of the cluster; where the Pumps' binary is, and how a host is reached, differ in a test alone."""
    pumps = "\n".join(f"{pump.name} ansible_host={pump.address} deploy_dir={pump.deploy_dir} pump_port={pump.port} "
                      f"resources_dir={cluster.resources_dir}" for pump in cluster.pumps)
    for group, hosts in (("pd_servers", f"{cluster.pd.host} pd_client_port={cluster.pd.port}"), ("pump_servers", pumps),
                         ("drainer_servers", "")):
        text, found = re.subn(rf"^\[{group}\]\n[^\[]*", f"[{group}]\n{hosts}\n\n", text, flags=re.M)
        assert found == 1, group
    for name, value in (("enable_binlog", "True"), ("process_supervision", "supervise")):
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)
        assert found == 1, name
    return text + "\n[all:vars]\nansible_connection = local\n"


@pytest.mark.parametrize("checkout", upstream.BRANCHES, indirect=True)
def test_nothing_is_to_change_with_the_inventory_of_a_checkout(rolled, checkout):
    inventory = checkout / "inventory.ini"
    inventory.write_text(filled_in(inventory.read_text(encoding="utf-8"), rolled), encoding="utf-8")
    rolled.inventory = inventory
    conftest.assert_nothing_to_change(rolled)
