#include "copy-binary/copy_binary.hpp"

namespace copy_binary {
namespace {

using module::option;
using module::option_type;
using module::presence;

std::vector<option> announced_fields() {
  return {
      {.name = "sha256", .type = option_type::string, .help = "Its digest.", .needed = presence::required},
      {.name = "size", .type = option_type::integer, .help = "Its bytes.", .needed = presence::required, .least = 0},
      {.name = "name", .type = option_type::string, .help = "Its file name."},
      {.name = "executable", .type = option_type::boolean, .help = "It starts with #! or as an ELF file."},
      {.name = "upload", .type = option_type::path, .help = "Where the action plugin put it on this host."},
      {.name = "encoding",
       .type = option_type::string,
       .help = "How the upload is packed.",
       .fallback = "identity",
       .choices = {"identity", "gzip", "xz", "zstd"}},
      {.name = "version", .type = option_type::string, .help = "Its version, where the control host asked it."},
  };
}

std::vector<option> file_fields(presence dest) {
  return {
      {.name = "src",
       .type = option_type::path,
       .help = "File to take: anything, or a tar archive (plain, gzip or xz) with member. In a playbook a path on the "
               "control host, sent only when this host lacks that digest."},
      {.name = "member", .type = option_type::string, .help = "Path of the file inside the archive src."},
      {.name = "content", .type = option_type::string, .help = "Text to write, instead of src."},
      {.name = "source",
       .type = option_type::object,
       .help = "What the action plugin says of the control host's file, in place of src.",
       .fields = announced_fields()},
      {.name = "dest",
       .type = option_type::path,
       .help = "File to replace, absolute; or a directory, ending in /, that gets the name of src. Missing parents "
               "are made.",
       .needed = dest},
      {.name = "component",
       .type = option_type::string,
       .help = "pump and drainer demand an executable of this host's architecture that prints TiDB Binlog's version "
               "labels and calls itself so.",
       .fallback = "any",
       .choices = {"any", "pump", "drainer"}},
      {.name = "sha256",
       .type = option_type::string,
       .help = "Digest demanded of the file put in place (or of the archive), or the path of a SHA256SUMS file."},
      {.name = "mode",
       .type = option_type::mode,
       .help = "Mode in octal digits. Without it that of the file replaced, else 0755 for programs and scripts and "
               "0644 for the rest."},
      {.name = "owner",
       .type = option_type::string,
       .help = "User, by name or number. Without it that of the file replaced, else the user running this."},
      {.name = "group", .type = option_type::string, .help = "Group, by name or number, with the same default."},
  };
}

std::vector<option> directory_fields() {
  return {
      {.name = "path", .type = option_type::path, .help = "The directory, absolute.", .needed = presence::required},
      {.name = "mode", .type = option_type::mode, .help = "Its mode; a new one gets 0755 by default."},
      {.name = "owner", .type = option_type::string, .help = "Its user."},
      {.name = "group", .type = option_type::string, .help = "Its group."},
  };
}

std::vector<option> all_fields() {
  auto all = file_fields(presence::optional);
  all.insert(
      all.end(),
      {{.name = "files",
        .type = option_type::objects,
        .help = "Several files in one call, instead of the options above; either all are put in place or, refused, "
                "none.",
        .fields = file_fields(presence::required)},
       {.name = "directories",
        .type = option_type::objects,
        .help = "Directories to make besides the parents of the files.",
        .fields = directory_fields()},
       {.name = "stage_dir",
        .type = option_type::path,
        .help = "Stage instead of installing: each file is put beside its dest under a hidden name, and the list of "
                "them under stage_dir, for rolling-restart to activate."},
       {.name = "probe_config",
        .type = option_type::path,
        .help = "Configuration file that the new binary must accept; the dest of another file of this call stands for "
                "that file's new content."},
       {.name = "backup",
        .type = option_type::integer,
        .help = "How many former versions of each file to keep.",
        .fallback = "1",
        .least = 0,
        .most = 1000},
       {.name = "backup_dir",
        .type = option_type::path,
        .help = "Where former versions are kept, as NAME.DIGEST. Without it ../backup beside dest's directory if that "
                "exists, else hidden beside dest."}});
  return all;
}

}  // namespace

module::tool const description{
    .name = "copy-binary",
    .summary = "Put verified files in place atomically, or stage them",
    .description =
        {"Installs binaries, scripts and configuration files so that at every instant the old or the new file is there "
         "as a whole, after checking them: digest, architecture, completeness, the program itself, space, destination.",
         "With stage_dir nothing in use is touched: the files wait beside their destinations until rolling-restart "
         "activates them."},
    .options = all_fields(),
    .results =
        {
            {"dest", "str", "The file, as it was asked for."},
            {"sha256", "str", "Digest of the new content."},
            {"size", "int", "Its bytes."},
            {"version", "str", "Release of the binary, or its git hash where it knows no release."},
            {"previous", "dict", "What was there before: sha256, version, backup; null where nothing was."},
            {"bytes_received", "int", "Bytes sent from the control host for this file."},
            {"files", "list", "With files: one object with the fields above for each."},
            {"staged", "dict",
             "With stage_dir: set (its digest), component, files (dest, path, sha256, mode, owner, "
             "group, version); to be handed to rolling-restart."},
            {"need_upload", "list", "Digests that the action plugin is to send; nothing was done yet."},
        },
    .examples = R"(- name: Stage the new Pump and its configuration
  copy-binary:
    files:
      - {src: resources/bin/pump, dest: /deploy/bin/pump, component: pump, mode: '0755', owner: tidb}
      - {content: "{{ pump_toml }}", dest: /deploy/conf/pump.toml, owner: tidb}
    probe_config: /deploy/conf/pump.toml
    stage_dir: /deploy/.upgrade
  register: stage

- name: Put one file in place
  copy-binary:
    src: drainer
    dest: /deploy/bin/
    component: drainer
)",
};

}  // namespace copy_binary
