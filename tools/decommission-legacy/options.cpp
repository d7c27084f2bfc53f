#include "settings.hpp"

namespace decommission_legacy {

using module::option_type;
using module::presence;

module::tool const& description() {
  static module::tool const tool{
      .name = "decommission-legacy",
      .summary = "Retire one old TiDB Binlog node, Kafka broker or ZooKeeper",
      .description = {"Stops one node of the Kafka or Local version, or a Kafka broker or ZooKeeper that served it, on "
                      "the host it runs on, when nothing needs it any more; keeps it from coming back; leaves its data "
                      "in place.",
                      "Refuses before anything is touched where the proof, the order or the other users of the node "
                      "are not in order, and where that can't be read.",
                      "Never kills hard, deletes nothing, writes nothing to etcd, Kafka or ZooKeeper."},
      .options =
          {
              {.name = "component",
               .type = option_type::string,
               .help = "What the node is.",
               .choices = {"drainer", "pump", "kafka", "zookeeper"},
               .needed = presence::required},
              {.name = "action",
               .type = option_type::string,
               .help = "Stop the node for good, or bring it back as it was.",
               .fallback = "stop",
               .choices = {"stop", "undo"}},
              {.name = "evidence_file",
               .type = option_type::path,
               .help = "The proof of wait-synced, absolute; in a playbook a path on the control host."},
              {.name = "max_age",
               .type = option_type::seconds,
               .help = "How old the proof may be, seconds of PD's time.",
               .fallback = "86400"},
              {.name = "new_pumps", .type = option_type::list, .help = "The new Pumps, host:port: all must be online."},
              {.name = "new_drainers",
               .type = option_type::list,
               .help =
                   "The new Drainers, host:port: all must be online and past the proof. Not for a drainer, but with "
                   "undo: those that must not run."},
              {.name = "pd_urls",
               .type = option_type::list,
               .help = "Client URLs of PD. Default for a Pump or Drainer: its own command line."},
              {.name = "tidbs",
               .type = option_type::list,
               .help = "Status addresses of TiDBs, host:port: all must write to the new Pumps."},
              {.name = "old_pumps",
               .type = option_type::list,
               .help = "The old Pumps, host:port: quiet for a drainer or pump, gone for kafka and zookeeper."},
              {.name = "old_drainers", .type = option_type::list, .help = "The old Drainers, host:port: gone."},
              {.name = "brokers",
               .type = option_type::list,
               .help = "The other brokers, host:port; for zookeeper all of them: gone."},
              {.name = "supervision",
               .type = option_type::string,
               .help = "Who keeps the node running. Default: systemd with service, else command.",
               .choices = {"systemd", "supervise", "command"}},
              {.name = "service",
               .type = option_type::string,
               .help = "The systemd unit. Default pump, else <component>-<port>."},
              {.name = "executable",
               .type = option_type::path,
               .help = "What the process runs. Default for a Pump or Drainer <deploy_dir>/bin/<component>."},
              {.name = "deploy_dir", .type = option_type::path, .help = "Where the node was deployed."},
              {.name = "data_dir",
               .type = option_type::list,
               .help = "Its data directory, for Kafka also several. Default: what its command line or configuration "
                       "says."},
              {.name = "port",
               .type = option_type::integer,
               .help = "The port it listens on. Default 8249 for a drainer, 8250 pump, 9092 kafka, zookeeper_port "
                       "zookeeper.",
               .least = 1,
               .most = 65535},
              {.name = "start_command",
               .type = option_type::string,
               .help = "With supervision=command: how undo starts it. Default: as it ran."},
              {.name = "stop_command",
               .type = option_type::string,
               .help = "With supervision=command: how to stop it. Default: SIGTERM."},
              {.name = "kafka_home",
               .type = option_type::path,
               .help = "Where Kafka's bin is; for zookeeper also a directory with bin/zkCli.sh."},
              {.name = "zookeeper_port",
               .type = option_type::integer,
               .help = "Client port of the ZooKeeper.",
               .fallback = "2181",
               .least = 1,
               .most = 65535},
              {.name = "binlog_topics",
               .type = option_type::list,
               .help = "Topics that are the binlog's, besides those of the Pumps in the registry."},
              {.name = "accept",
               .type = option_type::list,
               .help = "What the operator answers for: loss, tidb_status, registry, cluster_id, ensemble, metrics, "
                       "group=NAME, client=ADDRESS, znode=/PATH, abandon_data=CLUSTER_ID."},
              {.name = "tls_ca",
               .type = option_type::path,
               .help = "CA of PD, TiDBs, new Pumps and Drainers. With it they are spoken to in https only."},
              {.name = "tls_cert", .type = option_type::path, .help = "Client certificate."},
              {.name = "tls_key", .type = option_type::path, .help = "Key of the client certificate."},
              {.name = "tls_server_name",
               .type = option_type::string,
               .help = "Name expected in the servers' certificates, instead of the address."},
          },
      .results =
          {
              {"steps", "list", "name, done, changed and evidence of each step, in order."},
              {"refusals", "list", "code, what and hint of everything that speaks against it."},
              {"manifest", "str", "Path of the record that undo works by; null while there is none."},
              {"accepted", "list", "What the operator answered for and that mattered."},
          },
      .examples = R"(- name: Retire the old Drainer
  decommission-legacy:
    component: drainer
    evidence_file: "{{ playbook_dir }}/synced.json"
    deploy_dir: "{{ deploy_dir }}"
    new_pumps: "{{ new_pumps }}"
    pd_urls: "{{ pd_urls }}"

- name: Retire the old Pump
  decommission-legacy:
    component: pump
    service: pump
    evidence_file: "{{ playbook_dir }}/synced.json"
    deploy_dir: "{{ deploy_dir }}"
    new_pumps: "{{ new_pumps }}"
    new_drainers: "{{ new_drainers }}"
    pd_urls: "{{ pd_urls }}"
    tidbs: "{{ tidbs }}"
)"};
  return tool;
}

}  // namespace decommission_legacy
