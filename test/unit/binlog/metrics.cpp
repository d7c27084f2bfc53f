#include "binlog/pump_api.hpp"

#include "support.hpp"

using binlog::metric;

TEST_CASE("samples of /metrics are found by name and label", "[binlog]") {
  struct row {
    std::string file, name, label;
    std::optional<double> value;
  };
  auto const r = GENERATE(values<row>({
      {"metrics-drainer-cluster.txt", "binlog_drainer_checkpoint_tso", "", 1590998397000.0},
      {"metrics-drainer-cluster.txt", "binlog_drainer_pump_position", "nodeID=\"pump-a:8250\"", 1590998399000.0},
      {"metrics-drainer-cluster.txt", "binlog_drainer_queue_size", "name=\"syncer_input\"", 0.0},
      {"metrics-drainer-cluster.txt", "binlog_drainer_event", "type=\"Insert\"", 42.0},
      {"metrics-drainer-cluster.txt", "binlog_drainer_event", "type=\"Delete\"", std::nullopt},
      {"metrics-drainer-cluster.txt", "binlog_drainer", "", std::nullopt},
      {"metrics-drainer-cluster.txt", "TYPE", "", std::nullopt},
      {"metrics-drainer-kafka.txt", "binlog_drainer_window", "marker=\"upper\"", 4.170706845696e17},
      {"metrics-drainer-kafka.txt", "binlog_drainer_window", "marker=\"lower\"", 4.17070683783168e17},
      {"metrics-drainer-kafka.txt", "binlog_drainer_position", "", 4.17070675918848e17},
      {"metrics-drainer-kafka.txt", "binlog_drainer_queue_size", "name=\"worker_0\"", 0.0},
      {"metrics-pump-kafka-write-counter.txt", "binlog_pump_rpc_duration_seconds_count", "method=\"WriteBinlog\"",
       99123.0},
      {"metrics-pump-kafka-write-counter.txt", "binlog_pump_rpc_duration_seconds_count", "label=\"succ\"", 99123.0},
      {"metrics-pump-kafka-write-counter.txt", "binlog_pump_loss_binlog_count", "", 0.0},
  }));
  INFO(r.file << " " << r.name << " " << r.label);
  auto const text = test::sample(r.file);
  CHECK((r.label.empty() ? metric(text, r.name) : metric(text, r.name, {r.label})) == r.value);
}

TEST_CASE("Prometheus text that tries to mislead", "[binlog]") {
  struct row {
    std::string text;
    std::optional<double> value;
  };
  auto const r = GENERATE(values<row>({
      {"", std::nullopt},
      {"size{type=\"available\"} 5", 5.0},
      {"size{type=\"available\"} 5 1590998397000\n", 5.0},
      {"size{type=\"available\"} 5\r\n", 5.0},
      {"size{type=\"available\",} 5", 5.0},
      {"size{ disk=\"a\", type=\"available\"}\t+5e0", 5.0},
      {"size{type=\"capacity\"} 9\nsize{type=\"available\"} 5", 5.0},
      {"size{disk=\"a,type=\\\"available\\\"\"} 7\nsize{type=\"available\"} 5", 5.0},
      {"size{disk=\"}\",type=\"available\"} 5", 5.0},
      {"size{mytype=\"available\"} 5", std::nullopt},
      {"size{type=\"available\" 5", std::nullopt},
      {"size{type=\"available} 5", std::nullopt},
      {"size{type=\"available\\", std::nullopt},
      {"size{type=\"available\"}", std::nullopt},
      {"size{type=\"available\"} NaN", std::nullopt},
      {"size{type=\"available\"} 5x", std::nullopt},
      {"size{type=\"available\"} 1e999", std::nullopt},
      {"size_of{type=\"available\"} 5", std::nullopt},
      {"# size{type=\"available\"} 5", std::nullopt},
      {"size 5", std::nullopt},
      {"<html>size{type=\"available\"} 5</html>", std::nullopt},
  }));
  INFO(r.text);
  CHECK(metric(r.text, "size", {"type=\"available\""}) == r.value);
}

TEST_CASE("a sample has all labels that are asked for", "[binlog]") {
  std::string_view const text =
      "size{type=\"a\",le=\"16\"} 1\nsize{type=\"b\",le=\"32\"} 2\nsize{type=\"a\",le=\"32\"} 3\n";
  CHECK(metric(text, "size", {"type=\"a\"", "le=\"32\""}) == 3.0);
  CHECK_FALSE(metric(text, "size", {"type=\"b\"", "le=\"16\""}));
}
