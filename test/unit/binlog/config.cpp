#include "binlog/config.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

struct file {
  explicit file(std::string const& text) {
    std::string name = "/tmp/unit-config-XXXXXX";
    path = ::mkdtemp(name.data());
    path /= "file.toml";
    std::ofstream(path) << text;
  }
  ~file() {
    std::error_code ec;
    std::filesystem::remove_all(path.parent_path(), ec);
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("a drainer.toml tells where the checkpoint is kept", "[binlog][config]") {
  CHECK_FALSE(binlog::read_drainer_config("/nonexistent").keeps_savepoint());
  CHECK_FALSE(binlog::read_drainer_config(file("not = [toml").path).keeps_savepoint());
  for (auto const* kind : {"file", "pb", "kafka"})
    CHECK(binlog::read_drainer_config(file(std::string("[syncer]\ndb-type = \"") + kind + "\"\n").path)
              .keeps_savepoint());
  CHECK_FALSE(binlog::read_drainer_config(file("[syncer]\ndb-type = \"tidb\"\n").path).keeps_savepoint());
  file const elsewhere("[syncer]\ndb-type = \"kafka\"\n[syncer.to.checkpoint]\ntype = \"mysql\"\n");
  CHECK_FALSE(binlog::read_drainer_config(elsewhere.path).keeps_savepoint());
}

TEST_CASE("a drainer.toml tells how to speak TLS", "[binlog][config]") {
  auto const c = binlog::read_drainer_config(file("[security]\nssl-ca = \"/a\"\nssl-cert = \"b\"\nssl-key = 3\n").path);
  CHECK(c.ssl_ca == "/a");
  CHECK(c.ssl_cert == "b");
  CHECK(c.ssl_key.empty());
}

TEST_CASE("a savepoint is read whole or not at all", "[binlog][config]") {
  CHECK_FALSE(binlog::read_savepoint("/nonexistent/savepoint").value());
  CHECK(binlog::read_savepoint(file("consistent = true\ncommitTS = 417070684569600001\n").path).value()->value ==
        417070684569600001);
  CHECK_FALSE(binlog::read_savepoint(file("commitTS = 0\n").path).value());
  for (auto const* text :
       {"", "commitTS = -5\n", "commitTS = \"x\"\n", "commitTS = 4170", "garbage", "commitTS =\u0379+1\n"}) {
    INFO(text);
    auto const read = binlog::read_savepoint(file(text).path);
    if (std::string(text) == "commitTS = 4170")
      CHECK(read.value()->value == 4170);
    else
      CHECK(core::name(read.error().code) == "bad_answer");
  }
}

TEST_CASE("keys outside tables are read as text", "[binlog][config]") {
  auto const found =
      binlog::top_level_values(file("addr = \"x\"\ninitial-commit-ts = 5\nflag = true\n[t]\na = 1\n").path);
  CHECK(found.at("addr") == "x");
  CHECK(found.at("initial-commit-ts") == "5");
  CHECK(found.size() == 2);
}
