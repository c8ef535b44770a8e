#include "cli/core/tap_target.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "common/suggest.h"

namespace ride::cli {
namespace {

// "<prefix>.<job>.<run>.<stage>", where job and stage may hold dots, and the run is the number in between.
std::optional<std::int64_t> run_in(const std::string& topic, const std::string& before, const std::string& after) {
  if (topic.size() <= before.size() + after.size() || !topic.starts_with(before) || !topic.ends_with(after))
    return std::nullopt;
  const char* begin = topic.data() + before.size();
  const char* end = topic.data() + topic.size() - after.size();
  std::int64_t run = 0;
  const auto [rest, failed] = std::from_chars(begin, end, run);
  return failed == std::errc() && rest == end ? std::optional(run) : std::nullopt;
}

// "street/people" of every topic that looks like a job's.
std::set<std::string> stage_names(const std::string& prefix, const std::vector<std::string>& topics) {
  std::set<std::string> names;
  for (const auto& topic : topics) {
    if (!topic.starts_with(prefix + ".")) continue;
    const std::string rest = topic.substr(prefix.size() + 1);
    for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.', dot + 1)) {
      const auto next = rest.find('.', dot + 1);
      if (next == std::string::npos) break;
      const std::string middle = rest.substr(dot + 1, next - dot - 1);
      if (!middle.empty() && middle.find_first_not_of("0123456789") == std::string::npos) {
        names.insert(rest.substr(0, dot) + "/" + rest.substr(next + 1));
        break;
      }
    }
  }
  return names;
}

}  // namespace

Result<std::string> find_topic(const std::string& wanted, const std::string& prefix,
                               const std::vector<std::string>& topics, const AdoptedTopics& adopted) {
  if (std::find(topics.begin(), topics.end(), wanted) != topics.end()) return wanted;
  if (const auto found = adopted.find(wanted); found != adopted.end()) return found->second.topic;
  if (const auto slash = wanted.find('/'); slash != std::string::npos) {
    const std::string before = prefix + "." + wanted.substr(0, slash) + ".", after = "." + wanted.substr(slash + 1);
    std::optional<std::pair<std::int64_t, std::string>> latest;
    for (const auto& topic : topics)
      if (const auto run = run_in(topic, before, after); run && (!latest || *run > latest->first))
        latest = {*run, topic};
    if (latest) return latest->second;
  }
  auto names = stage_names(prefix, topics);
  for (const auto& [name, topic] : adopted) names.insert(name);
  std::vector<std::string> candidates = topics;
  candidates.insert(candidates.end(), names.begin(), names.end());
  std::string known;
  for (const auto& name : names) known += (known.empty() ? "" : ", ") + name;
  const std::string meant = did_you_mean(wanted, candidates);
  return Error{ErrorCode::not_found,
               fmt::format("there is no topic '{}'{}{}", wanted, meant.empty() ? "." : meant,
                           known.empty() ? " The cluster holds no job's topics" : " Stages with topics: " + known)};
}

}  // namespace ride::cli
