#include "binlog/lock_value.hpp"

#include "core/json.hpp"

#include <boost/json/serialize.hpp>
#include <ctime>

namespace binlog {
namespace {

// No ISO time for what gmtime can't take or people would not believe.
std::string iso_time(std::int64_t ms) {
  auto const seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  char text[32];
  if (ms <= 0 || ms > 4102444800000 || ::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return "an unknown time";
  return text;
}

std::string clean(std::string_view text) {
  std::string shown;
  for (char const c : text.substr(0, 200)) shown += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? ' ' : c;
  return shown;
}

}  // namespace

std::string lock_value(std::string const& owner, std::int64_t since_ms) {
  return core::json::serialize(core::json::object{{"owner", owner}, {"since_ms", since_ms}});
}

std::string describe_lock(std::string_view value) {
  auto const parsed = core::parse_json(value, "the lock");
  auto const owner = parsed ? core::string_member(*parsed, "owner") : std::nullopt;
  if (!owner) return "somebody (its value: " + clean(value) + ")";
  return clean(*owner) + " since " + iso_time(core::integer_member(*parsed, "since_ms").value_or(0));
}

}  // namespace binlog
