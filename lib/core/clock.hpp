// Deadlines on the monotonic clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace core {

using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::milliseconds;

class deadline {
 public:
  static deadline after(milliseconds left) { return deadline(clock::now() + left); }
  static deadline at(clock::time_point when) { return deadline(when); }

  [[nodiscard]] clock::time_point when() const { return when_; }
  [[nodiscard]] bool passed() const { return clock::now() >= when_; }
  // Never negative.
  [[nodiscard]] milliseconds left() const {
    return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(when_ - clock::now()));
  }
  // The earlier of this one and `limit` from now.
  [[nodiscard]] deadline within(milliseconds limit) const { return deadline(std::min(when_, clock::now() + limit)); }

 private:
  explicit deadline(clock::time_point when) : when_(when) {}
  clock::time_point when_;
};

inline milliseconds since(clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(clock::now() - start);
}

}  // namespace core
