#include "binlog/gateway.hpp"

#include <array>

namespace binlog::gateway {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

core::error bad(std::string_view what, std::string const& cause) {
  return {core::errc::bad_answer, "cannot use " + std::string(what) + ": " + cause,
          "check that pd_urls name PD's client port"};
}

// etcd leaves fields out that are zero or empty.
core::result<std::int64_t> number_or_zero(core::json::value const& object, std::string_view name,
                                          std::string_view what) {
  if (core::member(object, name) == nullptr) return std::int64_t{0};
  if (auto const number = core::integer_member(object, name)) return *number;
  return bad(what, std::string(name) + " is no number");
}

core::result<std::string> bytes_or_empty(core::json::value const& object, std::string_view name,
                                         std::string_view what) {
  if (core::member(object, name) == nullptr) return std::string();
  auto const text = core::string_member(object, name);
  auto bytes = text ? from_base64(*text) : std::nullopt;
  if (!bytes) return bad(what, std::string(name) + " is no base64");
  return std::move(*bytes);
}

// Every answer of etcd carries its header; without one it is somebody else's 200 (facts, trap 76).
core::result<void> need_header(core::json::value const& body, std::string_view what) {
  auto const* header = core::member(body, "header");
  if (header == nullptr || !header->is_object()) return bad(what, "it has no etcd header");
  return {};
}

bool another_may_do(int grpc_code) {
  constexpr std::array final_codes = {3, 5, 6, 7, 9, 11, 12, 16};  // bad argument, not found, no permission, ...
  for (int const code : final_codes)
    if (grpc_code == code) return false;
  return true;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const taken = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (k < taken ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= taken ? alphabet[group >> (18U - 6U * k) & 63U] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    std::size_t padding = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      auto const digit = alphabet.find(text[i + k]);
      // Padding only as the last one or two characters of all.
      if (text[i + k] == '=' && i + 4 == text.size() && k >= 2)
        ++padding;
      else if (digit == std::string_view::npos || padding > 0)
        return std::nullopt;
      group = group << 6U | (digit == std::string_view::npos ? 0U : static_cast<std::uint32_t>(digit));
    }
    for (std::size_t k = 0; k + padding < 3; ++k) bytes += static_cast<char>(group >> (16U - 8U * k) & 255U);
  }
  return bytes;
}

std::string range_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return {'\0'};
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

answer decode_answer(http::response const& response, std::string_view what) {
  auto parsed = core::parse_json(response.body, what);
  bool const object = parsed && parsed->is_object();
  auto const status = "HTTP status " + std::to_string(response.status);
  if (response.status == 404 && !object) return {answer_kind::no_gateway, {}, 0, status};
  // Behind a watch or a keepalive errors come wrapped: {"error":{"grpc_code":..,"message":..}}.
  auto const* wrapped = object ? core::member(*parsed, "error") : nullptr;
  if (wrapped != nullptr || response.status != 200) {
    auto const& error = wrapped != nullptr && wrapped->is_object() ? *wrapped : object ? *parsed : core::json::value();
    auto const code = core::integer_member(error, "code")
                          .value_or(core::integer_member(error, "grpc_code")
                                        .value_or(response.status == 404   ? 5
                                                  : response.status == 400 ? 3
                                                                           : 2));
    auto const text = core::string_member(error, "message")
                          .value_or(core::string_member(error, "error").value_or("no etcd error in the answer"));
    auto const number = code >= 0 && code <= 16 ? static_cast<int>(code) : 2;
    return {another_may_do(number) ? answer_kind::unavailable : answer_kind::refused,
            {},
            number,
            text.substr(0, 200) + " (" + status + ")"};
  }
  if (!object) return {answer_kind::unavailable, {}, 0, "the answer is no JSON object (" + status + ")"};
  return {answer_kind::good, std::move(*parsed), 0, {}};
}

core::json::object range_request(std::string_view prefix) {
  return {{"key", base64(prefix)}, {"range_end", base64(range_end(prefix))}};
}

core::json::object get_request(std::string_view key) { return {{"key", base64(key)}}; }

core::json::object create_request(std::string_view key, std::string_view value, std::int64_t lease) {
  core::json::object const absent = {
      {"key", base64(key)}, {"target", "CREATE"}, {"result", "EQUAL"}, {"create_revision", "0"}};
  core::json::object const put = {{"key", base64(key)}, {"value", base64(value)}, {"lease", std::to_string(lease)}};
  core::json::object request;
  request["compare"].emplace_array().push_back(absent);
  request["success"].emplace_array().push_back(core::json::object{{"request_put", put}});
  return request;
}

core::result<std::vector<key_value>> decode_range(core::json::value const& body, std::string_view what) {
  TRY(need_header(body, what));
  std::vector<key_value> found;
  auto const* kvs = core::member(body, "kvs");
  TRY_ASSIGN(auto const count, number_or_zero(body, "count", what));
  if (kvs != nullptr && !kvs->is_array()) return bad(what, "kvs is no list");
  if (kvs != nullptr) {
    for (auto const& entry : kvs->get_array()) {
      key_value kv;
      TRY_ASSIGN(kv.key, bytes_or_empty(entry, "key", what));
      TRY_ASSIGN(kv.value, bytes_or_empty(entry, "value", what));
      TRY_ASSIGN(kv.create_revision, number_or_zero(entry, "create_revision", what));
      TRY_ASSIGN(kv.mod_revision, number_or_zero(entry, "mod_revision", what));
      TRY_ASSIGN(kv.lease, number_or_zero(entry, "lease", what));
      if (kv.key.empty()) return bad(what, "an entry has no key");
      found.push_back(std::move(kv));
    }
  }
  if (count != static_cast<std::int64_t>(found.size()))
    return bad(what, "it announces " + std::to_string(count) + " entries and holds " + std::to_string(found.size()));
  return found;
}

core::result<std::int64_t> decode_grant(core::json::value const& body, std::string_view what) {
  TRY(need_header(body, what));
  auto const lease = core::integer_member(body, "ID");
  if (!lease || *lease <= 0) return bad(what, "it names no lease");
  return *lease;
}

core::result<std::chrono::seconds> decode_keep_alive(core::json::value const& body, std::string_view what) {
  auto const* result = core::member(body, "result");
  if (result == nullptr || !result->is_object()) return bad(what, "it has no result");
  TRY(need_header(*result, what));
  TRY_ASSIGN(auto const left, number_or_zero(*result, "TTL", what));
  if (left <= 0) return core::error{core::errc::lock_lost, "cannot renew the lease: it has expired"};
  return std::chrono::seconds(left);
}

core::result<bool> decode_create(core::json::value const& body, std::string_view what) {
  TRY(need_header(body, what));
  if (core::member(body, "succeeded") == nullptr) return false;
  auto const succeeded = core::bool_member(body, "succeeded");
  if (!succeeded) return bad(what, "succeeded is neither true nor false");
  return *succeeded;
}

}  // namespace binlog::gateway
