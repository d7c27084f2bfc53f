#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "node.hpp"

using namespace rolling_restart;

TEST_CASE("flags are read in every spelling Go accepts", "[location]") {
  auto const l = location_of({"bin/pump", "--addr=0.0.0.0:8250", "-advertise-addr", "10.0.1.11:8250", "--data-dir=data",
                              "-pd-urls=http://a:1,http://b:2"},
                             {}, "/deploy", component::pump);
  CHECK(l.addr == "0.0.0.0:8250");
  CHECK(l.advertise == "10.0.1.11:8250");
  CHECK(l.data_dir == "/deploy/data");
  CHECK(l.pd_urls == std::vector<std::string>{"http://a:1", "http://b:2"});
}

TEST_CASE("flags win over the environment, which wins over the configuration file", "[location]") {
  auto const file = std::filesystem::temp_directory_path() / ("location-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(file) << "data-dir = \"/from/file\"\nnode-id = \"from-file\"\naddr = \"http://1.2.3.4:1\"\n";
  auto const l = location_of({"pump", "--config=" + file.string(), "--addr=5.6.7.8:2"}, {"PUMP_DATA_DIR=/from/env"},
                             "/", component::pump);
  CHECK(l.data_dir == "/from/env");
  CHECK(l.node_id == "from-file");
  CHECK(l.addr == "5.6.7.8:2");
  std::filesystem::remove(file);
}

TEST_CASE("tidb-ansible's run script tells where the node will be", "[location]") {
  auto const l = location_of_script(R"(#!/bin/bash
set -e
cd "${DEPLOY_DIR}" || exit 1

exec bin/pump \
    --addr="0.0.0.0:8250" \
    --advertise-addr="10.0.1.11:8250" \
    --pd-urls="http://10.0.0.1:2379,http://10.0.0.2:2379" \
    --data-dir="/deploy/data.pump" \
    --log-file="/deploy/log/pump.log" \
    --config=conf/pump.toml 2>> "/deploy/log/pump_stderr.log"
)",
                                    "/deploy", component::pump);
  CHECK(l.addr == "0.0.0.0:8250");
  CHECK(l.advertise == "10.0.1.11:8250");
  CHECK(l.data_dir == "/deploy/data.pump");
  CHECK(l.pd_urls.size() == 2);
}

TEST_CASE("a start command is split as a shell splits words", "[location]") {
  auto const words = process::split_command(R"(bin/pump --addr='0.0.0.0:8250' --config "a b.toml" c\ d)");
  REQUIRE(words.has_value());
  CHECK(*words == std::vector<std::string>{"bin/pump", "--addr=0.0.0.0:8250", "--config", "a b.toml", "c d"});
  CHECK_FALSE(process::split_command("bin/pump 'open").has_value());
}
