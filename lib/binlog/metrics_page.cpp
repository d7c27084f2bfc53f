#include "binlog/metrics_page.hpp"

namespace binlog {

core::result<std::string> metrics_page(core::result<http::response> answer, std::string const& url) {
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  if (answer->status == 404)
    return core::error{core::errc::no_metrics, "this version serves no metrics: " + url + " is a 404"};
  return core::error{core::errc::bad_answer, "cannot use " + url + ": HTTP status " + std::to_string(answer->status)};
}

std::string cause(core::error const& e, std::string_view by_hand) {
  return serves_none(e) ? e.what + "; " + std::string(by_hand) : e.what;
}

}  // namespace binlog
