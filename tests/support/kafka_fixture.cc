#include "tests/support/kafka_fixture.h"

#include <fcntl.h>
#include <spawn.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>

#include "broker-config/broker_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

// A shell that waits for our end of a pipe to close, which the system does however we end, and then ends the broker and
// removes its folder. When we ended it ourselves before, there is nothing left to do for it.
class Janitor {
 public:
  Janitor(int broker, const std::string& folder) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);  // not ended together with us
    std::string number = std::to_string(broker), place = folder;
    char shell[] = "/bin/sh", option[] = "-c",
         script[] = "read -r done || { kill -9 \"$1\"; rm -rf \"$2\"; sleep 1; rm -rf \"$2\"; } 2>/dev/null",
         name[] = "janitor";
    char* arguments[] = {shell, option, script, name, number.data(), place.data(), nullptr};
    if (posix_spawn(&pid_, shell, &actions, &attributes, arguments, environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[0]);
    pipe_ = ends[1];
  }
  ~Janitor() {
    if (pipe_ >= 0) {
      [[maybe_unused]] const auto written = write(pipe_, "done\n", 5);
      close(pipe_);
    }
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

 private:
  int pipe_ = -1;
  pid_t pid_ = 0;
};

struct Embedded {
  TempFolder folder{"test-kafka"};
  broker::BrokerProcess broker;
  std::unique_ptr<Janitor> janitor;
  Result<std::string> outcome = start();

  Result<std::string> start() {
    broker::LaunchOptions options;
    options.data = folder / "broker";
    options.quick_start = true;
    options.die_with_parent = true;
    RIDE_TRY(broker.start(options));
    janitor = std::make_unique<Janitor>(broker.pid(), folder.path().string());
    return broker.bootstrap();
  }
  ~Embedded() {
    broker.stop(std::chrono::seconds(15));
    janitor.reset();
  }
};

}  // namespace

Result<std::string> kafka_bootstrap() {
  if (const char* given = std::getenv("RIDE_TEST_BROKERS"); given && *given) return std::string(given);
  static Embedded embedded;  // made once, ended at exit, whatever the tests' results are
  return embedded.outcome;
}

std::string unique_name(const std::string& prefix) {
  static std::atomic<int> counter{0};
  static const unsigned salt = std::random_device()();  // process numbers come again, on a cluster that stays
  return fmt::format("{}-{}-{:x}-{}", prefix, getpid(), salt, ++counter);
}

}  // namespace ride::test
