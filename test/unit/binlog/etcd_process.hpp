// A real etcd (Debian's etcd-server) on free ports with its data in a temporary directory.
#pragma once

#include "../http/server.hpp"
#include "binlog/etcd.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

class etcd_process {
 public:
  explicit etcd_process(std::vector<std::string> const& more = {}) {
    if (!std::filesystem::exists("/usr/bin/etcd"))
      throw std::runtime_error("these tests need a real etcd at /usr/bin/etcd: apt-get install etcd-server");
    std::string name = "/tmp/unit-etcd-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    auto const port = free_port();
    url_ = "http://127.0.0.1:" + std::to_string(port);
    auto const peer = "http://127.0.0.1:" + std::to_string(free_port());
    // Short elections: a lease may then be as short as two seconds.
    std::vector<std::string> words = {"/usr/bin/etcd",
                                      "--data-dir=" + directory_.string() + "/data",
                                      "--listen-client-urls=" + url_,
                                      "--advertise-client-urls=" + url_,
                                      "--listen-peer-urls=" + peer,
                                      "--initial-advertise-peer-urls=" + peer,
                                      "--initial-cluster=default=" + peer,
                                      "--heartbeat-interval=50",
                                      "--election-timeout=500"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    auto const log = (directory_ / "log").string();
    pid_ = ::fork();
    if (pid_ == 0) {
      int const out = ::open(log.c_str(), O_WRONLY | O_CREAT, 0600);
      ::dup2(out, 1);
      ::dup2(out, 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    wait_until_it_serves();
  }
  ~etcd_process() {
    signal(SIGCONT);
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::error_code ec;
    std::filesystem::remove_all(directory_, ec);
  }
  etcd_process(etcd_process const&) = delete;
  etcd_process& operator=(etcd_process const&) = delete;

  std::string const& url() const { return url_; }
  std::vector<std::string> urls() const { return {url_}; }
  // Returns when SIGSTOP and SIGKILL have taken effect on every thread: on a busy machine one may still answer before.
  void signal(int number) const {
    ::kill(pid_, number);
    siginfo_t ended{};
    if (number == SIGSTOP || number == SIGKILL)
      ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WSTOPPED | WNOWAIT);
  }

  // Puts a key as a Pump would, without lease.
  void put(std::string const& key, std::string const& value) const;
  void remove_prefix(std::string const& prefix) const;

 private:
  // /health answers true only with a leader, gateway or not.
  void wait_until_it_serves() const {
    http::client client;
    for (int i = 0; i < 500; ++i) {
      auto const answer = client.send({.url = url_ + "/health", .timeout = core::milliseconds(1000)});
      if (answer && answer->status == 200) return;
      std::this_thread::sleep_for(core::milliseconds(20));
    }
    throw std::runtime_error("etcd does not serve; see " + (directory_ / "log").string());
  }

  std::filesystem::path directory_;
  std::string url_;
  pid_t pid_ = -1;
};

}  // namespace test
