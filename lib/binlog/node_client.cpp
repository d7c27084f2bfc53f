#include "binlog/pump_api.hpp"

namespace binlog {
namespace {

// Everything but letters, digits and what Go's mux leaves alone; a slash can't be routed at all (facts, trap 81).
std::string percent_encoded(std::string_view id) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";
  constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (char const c : id) {
    if (plain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      auto const byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += digits[byte >> 4U];
      encoded += digits[byte & 15U];
    }
  }
  return encoded;
}

core::error bad_status(std::string const& url, unsigned status) {
  return {core::errc::bad_answer, "cannot use " + url + ": HTTP status " + std::to_string(status)};
}

// The body of an answer with status 200.
core::result<std::string> body_of(core::result<http::response> answer, std::string const& url) {
  if (!answer) return answer.error();
  if (answer->status != 200) return bad_status(url, answer->status);
  return std::move(answer->body);
}

core::result<pump_status> pump_status_of(core::result<http::response> answer, std::string const& url) {
  TRY_ASSIGN(auto const body, body_of(std::move(answer), url));
  return decode_pump_status(body, url);
}

core::result<void> nothing_of(core::result<http::response> const& answer) {
  if (!answer) return answer.error();
  return {};
}

constexpr std::size_t max_metrics = 16U << 20U;

}  // namespace

std::string node_client::url(std::string_view host, std::string_view path) const {
  return std::string(tls_ ? "https://" : "http://") + std::string(host) + std::string(path);
}

core::result<pump_status> node_client::status_of_pump(std::string const& host, core::milliseconds timeout) {
  auto const address = url(host, "/status");
  return pump_status_of(client_->send({.url = address, .timeout = timeout}), address);
}

core::result<drainer_status> node_client::status_of_drainer(std::string const& host, core::milliseconds timeout) {
  auto const address = url(host, "/status");
  TRY_ASSIGN(auto const body, body_of(client_->send({.url = address, .timeout = timeout}), address));
  return decode_drainer_status(body, address);
}

core::result<std::optional<std::vector<node>>> node_client::drainers_known_to(std::string const& host,
                                                                              core::milliseconds timeout) {
  auto const address = url(host, "/drainers");
  TRY_ASSIGN(auto const body, body_of(client_->send({.url = address, .timeout = timeout}), address));
  return decode_drainers(body, address);
}

core::result<void> node_client::answers(std::string const& host, core::milliseconds timeout) {
  return nothing_of(client_->send({.url = url(host, "/status"), .timeout = timeout}));
}

core::result<void> node_client::close_node(std::string const& host, std::string const& id, core::milliseconds timeout) {
  auto const address = url(host, "/state/" + percent_encoded(id) + "/close");
  TRY_ASSIGN(auto const body, body_of(client_->send({.method = "PUT", .url = address, .timeout = timeout}), address));
  return decode_state_answer(body, address);
}

std::vector<node_client::pump_answer> node_client::ask_pumps(std::vector<std::string> const& hosts,
                                                             core::milliseconds timeout) {
  std::vector<http::request> requests;
  for (auto const& host : hosts) {
    requests.push_back({.url = url(host, "/status"), .timeout = timeout});
    requests.push_back({.url = url(host, "/metrics"), .timeout = timeout, .max_body = max_metrics});
  }
  auto answers = client_->send_all(requests);
  std::vector<pump_answer> asked;
  for (std::size_t i = 0; i < answers.size(); i += 2) {
    std::optional<double> available;
    std::optional<double> gc;
    if (auto const metrics = body_of(std::move(answers[i + 1]), requests[i + 1].url)) {
      available = metric(*metrics, "binlog_pump_storage_storage_size_bytes", {"type=\"available\""});
      gc = metric(*metrics, "binlog_pump_storage_gc_ts");
    }
    asked.push_back({pump_status_of(std::move(answers[i]), requests[i].url), available, gc});
  }
  return asked;
}

std::vector<core::result<void>> node_client::all_answer(std::vector<std::string> const& hosts,
                                                        core::milliseconds timeout) {
  std::vector<http::request> requests;
  requests.reserve(hosts.size());
  for (auto const& host : hosts) requests.push_back({.url = url(host, "/status"), .timeout = timeout});
  std::vector<core::result<void>> asked;
  asked.reserve(requests.size());
  for (auto const& answer : client_->send_all(requests)) asked.push_back(nothing_of(answer));
  return asked;
}

core::result<registry> read_registry_through_pumps(node_client& client, std::vector<std::string> const& hosts,
                                                   core::milliseconds timeout) {
  core::error failure{core::errc::registry_unreadable, "cannot read the registry through Pumps: none is known",
                      "name the other Pumps in peers"};
  std::string causes;
  for (auto const& host : hosts) {
    auto read = [&]() -> core::result<registry> {
      TRY_ASSIGN(auto drainers, client.drainers_known_to(host, timeout));
      TRY_ASSIGN(auto status, client.status_of_pump(host, timeout));
      // null is "none" and "could not read" alike; asked again now that PD is known to be readable (facts, trap 6).
      if (!drainers) {
        TRY_ASSIGN(drainers, client.drainers_known_to(host, timeout));
        TRY_ASSIGN(status, client.status_of_pump(host, timeout));
      }
      return registry{std::move(status.nodes), std::move(drainers).value_or(std::vector<node>()), client.url(host, "")};
    }();
    if (read) return read;
    causes += (causes.empty() ? "" : "; ") + read.error().what;
    failure.hint = read.error().hint;
  }
  if (!causes.empty()) failure.what = "cannot read the registry through any Pump: " + causes;
  return failure;
}

}  // namespace binlog
