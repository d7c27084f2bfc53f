// Files of a node and of an earlier call: configuration, savepoint, what was remembered.
#include "binlog/config.hpp"
#include "files/activation.hpp"
#include "memory.hpp"

#include <unistd.h>
#include <cstdint>
#include <filesystem>
#include <fstream>

namespace {

struct folder {
  folder() {
    std::string name = "/dev/shm/fuzz-node-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~folder() {
    std::error_code ec;
    std::filesystem::remove_all(path, ec);
  }
  std::filesystem::path path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static folder const here;
  for (auto const* name : {"file.toml", "journal.json", "node.json", "last.json"})
    std::ofstream(here.path / name, std::ios::binary)
        .write(reinterpret_cast<char const*>(data), static_cast<std::streamsize>(size));
  auto const toml = here.path / "file.toml";
  static_cast<void>(binlog::read_savepoint(toml));
  static_cast<void>(binlog::read_drainer_config(toml).keeps_savepoint());
  static_cast<void>(binlog::top_level_values(toml));
  static_cast<void>(binlog::stop_write_space_of(toml));
  static_cast<void>(files::read_journal(here.path));
  static_cast<void>(rolling_restart::recall_node(here.path));
  static_cast<void>(rolling_restart::troubled_last(here.path));
  return 0;
}
