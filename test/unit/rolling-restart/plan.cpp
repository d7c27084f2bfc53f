#include "plan.hpp"

#include <catch2/catch.hpp>

using namespace rolling_restart;

namespace {

std::string steps_of(plan const& p) {
  std::string text;
  for (auto const s : p.steps) text += (text.empty() ? "" : " ") + std::string(name(s));
  return text;
}

settings with(action wanted) {
  settings s;
  s.action = wanted;
  s.port = 8250;
  return s;
}

situation healthy() {
  situation s;
  s.running = true;
  s.ready = true;
  return s;
}

}  // namespace

TEST_CASE("a node that runs the staged set and is ready needs nothing", "[plan]") {
  auto s = healthy();
  s.set_given = true;
  CHECK(make_plan(with(action::restart), s).steps.empty());
}

TEST_CASE("a restart without difference happens only when forced", "[plan]") {
  auto forced = with(action::restart);
  CHECK(make_plan(forced, healthy()).steps.empty());
  forced.force = true;
  CHECK(steps_of(make_plan(forced, healthy())) == "stop start ready stable");
}

TEST_CASE("a staged set that differs is activated while the node is down", "[plan]") {
  auto s = healthy();
  s.set_given = s.files_differ = true;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "stop activate start ready stable commit");
}

TEST_CASE("a node that is down is started, onto the staged set where there is one", "[plan]") {
  situation s;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "start ready stable");
  s.set_given = s.files_differ = true;
  CHECK(steps_of(make_plan(with(action::start), s)) == "activate start ready stable commit");
}

TEST_CASE("a node that runs but does not do its job is restarted", "[plan]") {
  auto s = healthy();
  s.ready = false;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "stop start ready stable");
}

TEST_CASE("a replaced file that the process does not run yet calls for a restart", "[plan]") {
  auto s = healthy();
  s.runs_installed_binary = false;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "stop start ready stable");
}

TEST_CASE("a set left half activated is finished", "[plan]") {
  situation s;
  s.in_flight = s.in_flight_is_wanted = s.set_given = true;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "activate start ready stable commit");
  s.running = true;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "stop activate start ready stable commit");
}

TEST_CASE("a set left active and running is only proven and committed", "[plan]") {
  auto s = healthy();
  s.in_flight = s.in_flight_is_wanted = s.in_flight_runs = s.set_given = true;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "ready stable commit");
}

TEST_CASE("another set than the one left unproven is activated over the former one", "[plan]") {
  situation s;
  s.in_flight = s.set_given = s.files_differ = true;
  CHECK(steps_of(make_plan(with(action::restart), s)) == "undo activate start ready stable commit");
  SECTION("also when its files happen to be in place: taking the other back replaces them") {
    s.files_differ = false;
    CHECK(steps_of(make_plan(with(action::restart), s)) == "undo activate start ready stable commit");
  }
}

TEST_CASE("a stop of a node that is down does nothing", "[plan]") {
  CHECK(make_plan(with(action::stop), situation{}).steps.empty());
  CHECK(steps_of(make_plan(with(action::stop), healthy())) == "stop");
}

TEST_CASE("a start waits for a node that is still loading", "[plan]") {
  auto s = healthy();
  s.ready = false;
  CHECK(steps_of(make_plan(with(action::start), s)) == "ready stable");
}

TEST_CASE("a roll-back puts the former set in place, once", "[plan]") {
  auto s = healthy();
  s.set_given = s.files_differ = true;
  CHECK(steps_of(make_plan(with(action::rollback), s)) == "stop activate start ready stable commit");
  s.set_given = s.files_differ = false;
  s.nothing_to_roll_back = true;
  CHECK(make_plan(with(action::rollback), s).steps.empty());
}
