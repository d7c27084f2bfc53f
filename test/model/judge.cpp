// Asks the evidence rules about series of answers: one JSON object a line on stdin, one line each on stdout with the
// first sample at which they say synced, for each set of evidence left out (-1: never). Never installed.
#include "binlog/surroundings.hpp"

#include <cstdio>
#include <iostream>

namespace {

using core::milliseconds;
using core::json::value;

std::int64_t number(value const& of, char const* name) { return core::integer_member(of, name).value_or(0); }

core::json::array const& list(value const& of, char const* name) { return of.at(name).as_array(); }

template <class Decode>
auto read(value const& text, Decode decode) -> decltype(decode("", "")) {
  if (text.is_null()) return core::error{core::errc::network_failure, "no answer"};
  return decode(std::string_view(text.as_string()), "it");
}

std::vector<std::string> texts(value const& of, char const* name) {
  std::vector<std::string> all;
  for (auto const& each : list(of, name)) all.emplace_back(each.as_string());
  return all;
}

binlog::requirements demands_of(value const& series, value const& left_out) {
  binlog::requirements demanded;
  auto const kind = core::string_member(series, "kind").value_or("auto");
  for (auto const known : {binlog::drainer_kind::cluster, binlog::drainer_kind::kafka, binlog::drainer_kind::local})
    if (kind == binlog::name(known)) demanded.kind = known;
  demanded.since = binlog::tso{number(series, "since")};
  if (number(series, "barrier") != 0) demanded.barrier = binlog::tso{number(series, "barrier")};
  demanded.stable_for = milliseconds(number(series, "stable_for"));
  for (auto const& name : left_out.as_array())
    if (auto const known = binlog::evidence_of(std::string_view(name.as_string()))) demanded.accepted.insert(*known);
  return demanded;
}

struct trial {
  binlog::requirements demanded;
  std::vector<binlog::drainer_case> drainers;
  int synced_at = -1;
};

void judge(value const& series) {
  std::vector<trial> trials;
  for (auto const& left_out : list(series, "left_out"))
    trials.push_back({demands_of(series, left_out),
                      std::vector<binlog::drainer_case>(static_cast<std::size_t>(number(series, "drainers")))});
  binlog::surroundings around({.pumps = texts(series, "pumps"), .expected_ids = texts(series, "expected")});
  int index = 0;
  for (auto const& sample : list(series, "samples")) {
    milliseconds const at(number(sample, "at"));
    std::size_t pump = 0;
    for (auto const& text : list(sample, "pumps")) {
      auto answer = read(text, binlog::decode_pump);
      if (pump < list(series, "pumps").size())
        around.pump(pump++, at, std::move(answer));
      else if (answer)
        around.time(at, answer->commit_ts);
    }
    std::vector<binlog::drainer_sample> seen;
    for (auto const& answers : list(sample, "drainers"))
      seen.push_back({at, read(answers.at(0), binlog::decode_drainer),
                      read(answers.at(1), binlog::decode_drainer_metrics), around.now(at)});
    auto const new_pumps = around.expected(false, at);
    auto const old_pumps = around.expected(true, at);
    for (auto& trial : trials) {
      if (trial.synced_at >= 0) continue;
      bool all = true;
      for (std::size_t i = 0; i < seen.size(); ++i) {
        auto const old = seen[i].status && binlog::is_old(seen[i].status->kind);
        auto const judged = trial.drainers[i].add(seen[i], trial.demanded, old ? old_pumps : new_pumps);
        all = all && judged.verdict == binlog::verdict::synced;
      }
      if (all) trial.synced_at = index;
    }
    ++index;
  }
  std::string line;
  for (auto const& trial : trials) line += (line.empty() ? "[" : ",") + std::to_string(trial.synced_at);
  std::puts((line + "]").c_str());
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    auto const series = core::parse_json(line, "the series");
    if (!series) {
      std::puts(series.error().what.c_str());
      return 1;
    }
    judge(*series);
  }
}
