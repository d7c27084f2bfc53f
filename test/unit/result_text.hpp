// How Catch shows a result: Boost's operator<< asks for one of core::error, which nothing but tests would need.
#pragma once

#include <catch2/catch.hpp>

#include "core/error.hpp"

template <class T>
struct Catch::StringMaker<boost::system::result<T, core::error>> {
  static std::string convert(boost::system::result<T, core::error> const& result) {
    return result ? "a value" : std::string(core::name(result.error().code)) + ": " + result.error().what;
  }
};
