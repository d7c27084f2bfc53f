// Answers of etcd's gateway; the first byte chooses the HTTP status.
#include "binlog/gateway.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

namespace gateway = binlog::gateway;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::array<unsigned, 5> statuses = {200, 400, 404, 500, 503};
  std::string const body(reinterpret_cast<char const*>(data) + 1, size - 1);
  auto const answer =
      gateway::decode_answer({.status = statuses[data[0] % statuses.size()], .content_type = "", .body = body}, "x");
  if (answer.kind == gateway::answer_kind::good) {
    static_cast<void>(gateway::decode_range(answer.body, "x"));
    static_cast<void>(gateway::decode_grant(answer.body, "x"));
    static_cast<void>(gateway::decode_keep_alive(answer.body, "x"));
    static_cast<void>(gateway::decode_create(answer.body, "x"));
  } else if (answer.cause.empty()) {
    std::abort();
  }
  if (gateway::from_base64(gateway::base64(body)) != body) std::abort();
  if (auto const bytes = gateway::from_base64(body); bytes && gateway::base64(*bytes).size() != body.size())
    std::abort();
  return 0;
}
