#include "cli/core/wait_words.h"

#include <spdlog/fmt/fmt.h>

#include "cli/core/fields.h"

namespace ride::cli {
namespace {

constexpr WaitWords::Seconds kAsWithEveryStart{2};

}  // namespace

void WaitWords::see(const Json& job, Seconds now) {
  now_ = now;
  words_.clear();
  for (const Json& one : list_of(job, "waiting"))
    if (one.is_string()) words_ += (words_.empty() ? "" : "; ") + one_line(one.get<std::string>());
  if (words_.empty())
    since_.reset();
  else if (!since_)
    since_ = now;
}

std::string WaitWords::text() const {
  if (!since_ || now_ - *since_ < kAsWithEveryStart) return {};
  return fmt::format("waits for {:.0f} s: {}", (now_ - *since_).count(), words_);
}

std::string render_lacks(const Json& answer) {
  std::string text;
  for (const Json& one : list_of(answer, "lacks"))
    text += fmt::format("  {} {}\n", text_of(one, "source").empty() ? "stage" : "source", text_of(one, "text"));
  return text;
}

}  // namespace ride::cli
