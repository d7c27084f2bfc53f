// One HTTP answer, put together from bytes as they come. No I/O.
#pragma once

#include "http/client.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace http {

class answer {
 public:
  explicit answer(std::size_t max_body);
  ~answer();
  answer(answer&&) noexcept;
  answer& operator=(answer&&) noexcept;

  // Takes more bytes; true when the answer is whole. Errors carry the cause only.
  core::result<bool> feed(std::string_view bytes);
  // The peer closed its side. True where no length was announced, so that this is the answer's end.
  core::result<bool> end();
  // The connection ended in a way that anybody between could have caused: never whole.
  [[nodiscard]] core::error cut() const;

  // Only after true.
  response take();

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

}  // namespace http
