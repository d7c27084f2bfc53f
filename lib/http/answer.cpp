// The only file that includes Beast.
// Beast 1.81 asserts that a last chunk is five bytes long when it looks at it again; one that is also the first has
// three (found by fuzzing: "0\r\n", then one byte more). Without the assertion it does the right thing.
#define BOOST_DISABLE_ASSERTS
#include "http/answer.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace http {

namespace beast = boost::beast::http;

struct answer::parser {
  beast::response_parser<beast::string_body> beast;
  std::size_t max_body = 0;
  std::string pending = {};  // bytes Beast wants to see again, together with the next ones
  bool is_http = false;
};

namespace {

constexpr std::size_t max_header = 64U << 10U;

core::error not_http(std::string_view bytes, std::string const& detail) {
  using core::errc;
  // A TLS record: alert or handshake, version 3.x.
  if (bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03)
    return {errc::bad_answer, "the peer speaks TLS, not plain HTTP", "use https: give tls_ca, tls_cert and tls_key"};
  return {errc::bad_answer, "the peer's answer is not HTTP (" + detail + ")"};
}

core::error explain(boost::system::error_code ec, std::size_t max_body) {
  using core::errc;
  if (ec == beast::error::body_limit)
    return {errc::bad_answer, "the answer is larger than " + std::to_string(max_body) + " bytes"};
  if (ec == beast::error::header_limit) return {errc::bad_answer, "the answer's header is too large"};
  if (ec == beast::error::partial_message) return {errc::bad_answer, "the answer was cut short"};
  if (ec == beast::error::end_of_stream)
    return {errc::network_failure, "the peer closed the connection without an answer"};
  return not_http({}, ec.message());
}

}  // namespace

answer::answer(std::size_t max_body) : parser_(std::make_unique<parser>()) {
  parser_->max_body = max_body;
  parser_->beast.body_limit(max_body);
  parser_->beast.header_limit(max_header);
  parser_->beast.eager(true);
}
answer::~answer() = default;
answer::answer(answer&&) noexcept = default;
answer& answer::operator=(answer&&) noexcept = default;

core::result<bool> answer::feed(std::string_view bytes) {
  constexpr std::string_view mark = "HTTP/";
  auto& pending = parser_->pending;
  pending.append(bytes);
  // Told by its first bytes: others may never send the end of line that Beast waits for.
  if (!parser_->is_http && !pending.empty()) {
    auto const seen = std::string_view(pending).substr(0, mark.size());
    if (seen.size() >= 2 && !mark.starts_with(seen)) return not_http(pending, "it does not start with HTTP/");
    parser_->is_http = seen == mark;
  }
  while (!pending.empty() && !parser_->beast.is_done()) {
    boost::system::error_code ec;
    auto const taken = parser_->beast.put(boost::asio::buffer(pending), ec);
    if (ec == beast::error::need_more) {
      pending.erase(0, taken);
      // Beast bounds the header, but neither chunk extensions nor trailers.
      if (pending.size() > max_header) return explain(beast::error::header_limit, parser_->max_body);
      return false;
    }
    if (ec) return explain(ec, parser_->max_body);
    pending.erase(0, taken);
    if (taken == 0) return false;
  }
  if (!parser_->beast.is_done()) return false;
  if (parser_->beast.get().result_int() < 200)
    return core::error{core::errc::bad_answer, "the peer sent an interim answer nobody asked for"};
  return true;
}

core::result<bool> answer::end() {
  if (parser_->beast.is_done()) return true;
  if (!parser_->is_http) return cut();
  boost::system::error_code ec;
  parser_->beast.put_eof(ec);
  if (ec) return explain(ec, parser_->max_body);
  if (!parser_->beast.is_done()) return cut();
  return true;
}

core::error answer::cut() const {
  if (!parser_->is_http && !parser_->pending.empty()) return not_http(parser_->pending, "it ends after a few bytes");
  return explain(parser_->is_http ? beast::error::partial_message : beast::error::end_of_stream, parser_->max_body);
}

response answer::take() {
  auto& message = parser_->beast.get();
  response taken;
  taken.status = message.result_int();
  taken.content_type = std::string(message[beast::field::content_type]);
  taken.body = std::move(message.body());
  return taken;
}

}  // namespace http
