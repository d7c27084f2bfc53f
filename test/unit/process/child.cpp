#include "process/child.hpp"

#include <fcntl.h>

#include "support.hpp"

using namespace support;

TEST_CASE("captures output, errors and the exit status", "[process]") {
  auto const done = process::run(shell("echo out; echo err >&2; exit 3"), soon());
  REQUIRE(done);
  CHECK(done->out == "out\n");
  CHECK(done->err == "err\n");
  CHECK(done->exit_code == 3);
  CHECK(done->signal == 0);
}

TEST_CASE("tells an end by a signal from an exit with that number", "[process]") {
  auto const killed = process::run(shell("kill -TERM $$"), soon());
  REQUIRE(killed);
  CHECK(killed->exit_code == -1);
  CHECK(killed->signal == SIGTERM);
  auto const exited = process::run(shell("exit 15"), soon());
  REQUIRE(exited);
  CHECK(exited->exit_code == 15);
  CHECK(exited->signal == 0);
}

TEST_CASE("finds programs on PATH, ours or the one given", "[process]") {
  CHECK(process::run({{"true"}}, soon())->exit_code == 0);
  temp_dir const dir;
  write_file(dir / "found-here", "#!/bin/sh\necho here\n", true);
  process::command command{{"found-here"}};
  REQUIRE_FALSE(process::run(command, soon()));
  command.environment = {"PATH=/nowhere:" + dir.path().string()};
  auto const done = process::run(command, soon());
  REQUIRE(done);
  CHECK(done->out == "here\n");
}

TEST_CASE("runs in the directory and with the environment given", "[process]") {
  temp_dir const dir;
  process::command command = shell("pwd; env");
  command.cwd = dir.path();
  command.environment = {"GREETING=hello you"};
  auto const done = process::run(command, soon());
  REQUIRE(done);
  CHECK(done->out.starts_with(dir.path().string() + "\n"));
  CHECK(done->out.find("GREETING=hello you\n") != std::string::npos);
  CHECK(done->out.find("HOME=") == std::string::npos);
}

TEST_CASE("says why a program can't be started", "[process]") {
  unreaped_children();
  temp_dir const dir;
  auto const failure = [](process::command const& command) {
    auto const done = process::run(command, soon());
    REQUIRE_FALSE(done);
    CHECK(done.error().code == core::errc::system_failure);
    return done.error();
  };
  CHECK(failure({{"/nowhere/at-all"}}).what == "cannot run /nowhere/at-all: No such file or directory");
  CHECK(failure({{"no-such-program-anywhere"}}).what.find("not found on PATH") != std::string::npos);
  CHECK(failure({}).what == "cannot run a program: none is named");

  write_file(dir / "page", "<html>", true);
  CHECK(failure({{dir / "page"}}).hint.find("#!") != std::string::npos);
  write_file(dir / "script", "#!/no/such/interpreter\n", true);
  CHECK(failure({{dir / "script"}}).hint.find("interpreter") != std::string::npos);
  write_file(dir / "plain", "#!/bin/sh\n");
  CHECK(failure({{dir / "plain"}}).what.ends_with("Permission denied"));

  process::command elsewhere{{"/bin/true"}};
  elsewhere.cwd = dir / "missing";
  CHECK(failure(elsewhere).what ==
        "cannot run /bin/true in " + (dir / "missing").string() + ": No such file or directory");
  CHECK(unreaped_children() == 0);
}

TEST_CASE("keeps 1 MiB of output and lets the rest go", "[process]") {
  auto const done = process::run(shell("head -c 3000000 /dev/zero; echo end >&2"), soon());
  REQUIRE(done);
  CHECK(done->out.size() == 1U << 20U);
  CHECK(done->err == "end\n");
  CHECK(done->exit_code == 0);
}

TEST_CASE("does not wait for a grandchild that holds the output", "[process]") {
  auto const start = core::clock::now();
  auto const done = process::run(shell("sleep 5 & echo $!"), soon());
  REQUIRE(done);
  ends_process const grandchild{std::stoi(done->out)};
  CHECK(core::since(start) < 4s);
  CHECK(process::identify(grandchild.pid));
}

TEST_CASE("ends a child at the deadline by SIGTERM", "[process]") {
  auto const start = core::clock::now();
  auto const done = process::run(shell("exec sleep 30"), core::deadline::after(100ms));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::timed_out);
  CHECK(core::since(start) < 2s);
}

TEST_CASE("ends what the child started, too, by SIGQUIT where SIGTERM is ignored", "[process]") {
  temp_dir const dir;
  auto const done = process::run(shell("trap '' TERM; echo $$ >" + (dir / "pid").string() + "; sleep 30; sleep 30"),
                                 core::deadline::after(300ms));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::timed_out);
  CHECK_FALSE(process::identify(std::stoi(content_of(dir / "pid"))));
}

TEST_CASE("names a child that ignores everything, and leaves it alive", "[process]") {
  temp_dir const dir;
  auto const done =
      process::run(shell("trap '' TERM QUIT; echo $$ >" + (dir / "pid").string() + "; while :; do sleep 1; done"),
                   core::deadline::after(300ms));
  REQUIRE_FALSE(done);
  auto const text = content_of(dir / "pid");
  ends_process const child{std::stoi(text)};
  CHECK(done.error().code == core::errc::timed_out);
  CHECK(done.error().what.find("process " + std::to_string(child.pid)) != std::string::npos);
  std::this_thread::sleep_for(200ms);
  CHECK(process::identify(child.pid));
}

TEST_CASE("starts nothing when the deadline has passed", "[process]") {
  temp_dir const dir;
  auto const done = process::run({{"touch", dir / "touched"}}, core::deadline::after(0ms));
  REQUIRE_FALSE(done);
  CHECK(done.error().code == core::errc::timed_out);
  CHECK_FALSE(std::filesystem::exists(dir / "touched"));
}

TEST_CASE("gives children default signals, an empty stdin and no descriptors of ours", "[process]") {
  auto const status = in_fork([] {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &mask, nullptr);
    ::open("/etc/passwd", O_RDONLY);  // without O_CLOEXEC
    auto const done =
        process::run(shell("sed -n -E '/^Sig(Blk|Ign|Cgt)/p' /proc/self/status; cat; ls /proc/self/fd"), soon());
    auto const zeros = std::string("\t0000000000000000\n");
    // ls itself opens the directory as 3
    return done && done->out == "SigBlk:" + zeros + "SigIgn:" + zeros + "SigCgt:" + zeros + "0\n1\n2\n3\n" ? 0 : 1;
  });
  CHECK(status == 0);
}

TEST_CASE("works although stdin, stdout and stderr are closed and SIGCHLD is ignored", "[process]") {
  auto const status = in_fork([] {
    ::close(0);
    ::close(1);
    ::close(2);
    ::signal(SIGCHLD, SIG_IGN);
    auto const done = process::run(shell("echo out; echo err >&2; exit 4"), soon());
    return done && done->out == "out\n" && done->err == "err\n" && done->exit_code == 4 ? 0 : 1;
  });
  CHECK(status == 0);
}

TEST_CASE("runs many short children without losing one or a descriptor", "[process]") {
  auto const descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  auto const before = descriptors();
  for (int i = 0; i < 150; ++i) {
    auto const done = process::run({{"/bin/echo", std::to_string(i)}}, soon());
    REQUIRE(done);
    REQUIRE(done->out == std::to_string(i) + "\n");
  }
  CHECK(descriptors() == before);
}
