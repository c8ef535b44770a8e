#include "worker/python/attempts.h"

#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

namespace ride::python {

Next next_step(Tries& tries, Attempt attempt) {
  switch (attempt) {
    case Attempt::done:
      return Next::deliver;
    case Attempt::raised:
      return Next::dead;
    case Attempt::killed:
      return ++tries.kills < kMostKills ? Next::again : Next::dead;
    case Attempt::ended:
    case Attempt::timed_out:
    case Attempt::too_large:
    case Attempt::broken:
      break;
  }
  return ++tries.strikes < kMostStrikes ? Next::again : Next::dead;
}

std::string how_it_ended(int status) {
  if (WIFEXITED(status)) return fmt::format("exit code {}", WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  static constexpr std::pair<int, const char*> kNames[] = {
      {SIGSEGV, "segmentation fault"}, {SIGABRT, "abort"},  {SIGBUS, "bus error"},  {SIGFPE, "arithmetic error"},
      {SIGILL, "illegal instruction"}, {SIGKILL, "killed"}, {SIGTERM, "terminated"}};
  for (const auto& [number, name] : kNames)
    if (number == signal) return fmt::format("signal {} ({})", signal, name);
  return fmt::format("signal {}", signal);
}

Attempt attempt_of(int status, bool out_of_memory) {
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return Attempt::ended;
  return out_of_memory ? Attempt::too_large : Attempt::killed;
}

}  // namespace ride::python
