#include "settings.hpp"

namespace wait_synced {

using module::option_type;
using module::presence;

module::tool const& description() {
  static module::tool const tool{
      .name = "wait-synced",
      .summary = "Prove that TiDB Binlog Drainers applied everything up to a point",
      .description = {"Waits until every Drainer is proven, by evidence that held for stable_for, to have applied "
                      "everything up to "
                      "a TSO; the Drainers' own Synced is reported and never believed.",
                      "Runs on the control host (delegate_to localhost, run_once). Changes nothing but evidence_file.",
                      "What is required and can't be read is unknown and never passes."},
      .options =
          {
              {.name = "drainers",
               .type = option_type::list,
               .help = "The Drainers, host:port or URL. All of them must be synced.",
               .needed = presence::required},
              {.name = "kind",
               .type = option_type::string,
               .help = "Version of the Drainers. auto tells it by the shape of each one's first answer.",
               .fallback = "auto",
               .choices = {"auto", "cluster", "kafka", "local"}},
              {.name = "since",
               .type = option_type::string,
               .help = "TSO that must be passed, or now: a fresh one, taken from a Pump.",
               .fallback = "now"},
              {.name = "pumps",
               .type = option_type::list,
               .help = "The Pumps that the Drainers must cover, host:port; also the source of fresh TSOs."},
              {.name = "tso_from",
               .type = option_type::string,
               .help = "Any Pump of the same PD, host:port, for fresh TSOs where pumps can't give them."},
              {.name = "expected_pumps",
               .type = option_type::list,
               .help = "Node ids that must appear in PumpPos, instead of or beside pumps."},
              {.name = "pd_urls",
               .type = option_type::list,
               .help = "Client URLs of PD, for the cluster id and the registry of Pumps."},
              {.name = "tidbs",
               .type = option_type::list,
               .help = "Status addresses of every TiDB, host:port: all must write to the new Pumps (tidb_switched)."},
              {.name = "old_pumps",
               .type = option_type::list,
               .help = "The old version's Pumps, host:port: no TiDB may write to them any more (old_writes_flat)."},
              {.name = "new_pumps",
               .type = option_type::list,
               .help = "The Pumps that TiDB was switched to, host:port: they must hold a binlog for each of tidbs "
                       "(new_writes)."},
              {.name = "barrier",
               .type = option_type::integer,
               .help = "Commit TS of a DDL run through an old TiDB after the last write.",
               .least = 1},
              {.name = "stable_for",
               .type = option_type::seconds,
               .help = "How long all evidence must hold, seconds.",
               .fallback = "10",
               .most = 86400},
              {.name = "interval",
               .type = option_type::seconds,
               .help = "Time from one look to the next, seconds.",
               .fallback = "1",
               .most = 3600},
              {.name = "timeout",
               .type = option_type::seconds,
               .help = "Most seconds for the whole call.",
               .fallback = "3600"},
              {.name = "accept",
               .type = option_type::list,
               .help = "Required evidence that the operator answers for; it is named in the proof.",
               .choices = {"shape", "pumps_complete", "last_ts", "window", "drained", "applied", "tidb_switched",
                           "old_writes_flat", "new_writes"}},
              {.name = "evidence_file",
               .type = option_type::path,
               .help = "Where to write the proof (JSON), absolute. Only a proof replaces what is there."},
              {.name = "tls_ca",
               .type = option_type::path,
               .help = "CA of Drainers, Pumps, PD and TiDBs. With it only https is spoken."},
              {.name = "tls_cert", .type = option_type::path, .help = "Client certificate."},
              {.name = "tls_key", .type = option_type::path, .help = "Key of the client certificate."},
              {.name = "tls_server_name",
               .type = option_type::string,
               .help = "Name expected in the servers' certificates, instead of the address."},
          },
      .results =
          {
              {"synced", "bool", "Whether every Drainer is proven to have applied everything up to since."},
              {"since", "int", "The TSO that had to be passed; null while none could be taken."},
              {"cluster_id", "int", "PD's cluster id; null without pd_urls."},
              {"drainers", "list",
               "url, kind, reported_synced, verdict, lag_ms, and evidence: name, required, held, value."},
          },
      .examples = R"(- name: Prove that the old Drainer has applied everything
  wait-synced:
    drainers: "{{ old_drainers }}"
    pumps: "{{ old_pumps }}"
    barrier: "{{ barrier_commit_ts }}"
    evidence_file: "{{ playbook_dir }}/synced.json"
  delegate_to: localhost
  run_once: true
)"};
  return tool;
}

}  // namespace wait_synced
