#include "binlog/metrics_page.hpp"

#include "binlog/drainer_answers.hpp"

namespace binlog {

core::result<std::string> metrics_page(core::result<http::response> answer, std::string const& url) {
  if (!answer) return answer.error();
  if (answer->status == 200) return std::move(answer->body);
  if (answer->status == 404)
    return core::error{core::errc::no_metrics, "this version serves no metrics: " + url + " is a 404"};
  return core::error{core::errc::bad_answer, "cannot use " + url + ": HTTP status " + std::to_string(answer->status)};
}

core::result<void> may_be_asked(core::result<std::string> const& page) {
  if (!page && !serves_none(page.error())) return page.error();
  if (!page || !has_not_looked_yet(*page)) return {};
  return core::error{core::errc::unproven, "it has not looked at the registry since its start",
                     "wait for its detect-interval, 10 s by default"};
}

std::string cause(core::error const& e, std::string_view by_hand) {
  return serves_none(e) ? e.what + "; " + std::string(by_hand) : e.what;
}

}  // namespace binlog
