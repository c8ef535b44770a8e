#include "cli/local/job_watch.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/core/fields.h"
#include "cli/core/run_summary.h"
#include "cli/core/status_view.h"

namespace ride::cli {
namespace {

constexpr std::size_t kMostProblems = 20, kRemembered = 20;
constexpr std::chrono::seconds kLately{10};

}  // namespace

Result<void> JobWatch::look() {
  RIDE_ASSIGN(auto view, master_.fetch("/jobs/" + url_encoded(job_)));
  view_ = std::move(view);
  if (auto workers = master_.fetch("/workers"); workers.ok()) workers_ = std::move(*workers);
  read_events();
  return {};
}

void JobWatch::skip_events() {
  read_events();
  news_.clear();
  problems_.clear();
}

void JobWatch::read_events() {
  for (bool more = true; more;) {
    const auto page = master_.fetch(fmt::format("/events?after={}&limit=500", events_seen_));
    if (!page.ok()) return;
    const Json& events = list_of(*page, "events");
    for (const Json& event : events) {
      events_seen_ = std::max(events_seen_, count_of(event, "n"));
      const std::string severity = text_of(event, "severity"), job = text_of(event, "job");
      if ((severity != "warning" && severity != "error") || (!job.empty() && job != job_)) continue;
      const std::string stage = text_of(event, "stage"), text = text_of(event, "text"), code = text_of(event, "code");
      if (expects_missing_workers_ && (code == "stage_waits" || code == "pool_dry" || code == "spares_low")) continue;
      if (shown_lately(text)) continue;
      const bool named = stage.empty() || names_its_part(text, stage);
      const std::string line = fmt::format("{}: {}{}", severity, named ? "" : stage + ": ", text);
      if (gathers_left_out_ && code == "broken_picture")
        left_out_.push_back(text);
      else
        news_.push_back(line);
      if (problems_.size() < kMostProblems) problems_.push_back(line);
    }
    more = events.size() >= 500;
  }
}

// All workers of a stage may report the same, and a job fails for what one of them reported ("street/1 failed: stage
// ...").
bool JobWatch::shown_lately(const std::string& event) {
  const std::string text = without_node(event);
  if (text.empty()) return false;  // every text ends with it
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(shown_, [&](const Shown& one) { return now - one.at > kLately; });
  const bool shown =
      std::any_of(shown_.begin(), shown_.end(), [&](const Shown& one) { return text.ends_with(one.text); });
  if (shown) return true;
  shown_.push_back({text, now});
  if (shown_.size() > kRemembered) shown_.pop_front();
  return false;
}

std::string JobWatch::phase() const { return text_of(view_, "phase"); }

bool JobWatch::over() const { return phase_is_over(phase()); }

std::vector<std::string> JobWatch::take_news() { return std::exchange(news_, {}); }

}  // namespace ride::cli
