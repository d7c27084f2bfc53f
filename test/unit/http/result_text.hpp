// Failed assertions show the error of a result.
#pragma once

#include "core/error.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace Catch {
template <class T>
struct StringMaker<boost::system::result<T, core::error>> {
  static std::string convert(boost::system::result<T, core::error> const& result) {
    return result ? "good" : std::string(core::name(result.error().code)) + ": " + result.error().what;
  }
};
}  // namespace Catch
