// What a job waits for, in the master's words, and for how long by our clock: a command that waits with it never stands
// without a word. Pure.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace ride::cli {

class WaitWords {
 public:
  using Seconds = std::chrono::duration<double>;

  // The job as /jobs/{job} shows it; `now` since any moment, never less than before.
  void see(const nlohmann::json& job, Seconds now);
  // "waits for 12 s: ..."; empty: nothing lacks, or only since a moment, as with every start.
  std::string text() const;

 private:
  std::optional<Seconds> since_;
  Seconds now_{};
  std::string words_;
};

// Of an answer's "lacks" list: one line each, two blanks in front.
std::string render_lacks(const nlohmann::json& answer);

}  // namespace ride::cli
