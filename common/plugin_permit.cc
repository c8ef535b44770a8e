#include "common/plugin_permit.h"

#include <spdlog/fmt/fmt.h>

#include "common/sha256.h"
#include "common/text.h"

namespace ride {
namespace {

constexpr std::string_view kHash = "sha256:", kAny = "any", kNone = "none";
constexpr std::size_t kMostHashes = 60;
constexpr std::size_t kTold = 16;  // digits in the label: it helps to place a stage, and permits nothing

}  // namespace

Result<PluginPermit> PluginPermit::parse(const std::vector<std::string>& words) {
  PluginPermit permit;
  for (const auto& word : words) {
    if ((word == kAny || word == kNone) && words.size() > 1)
      return invalid_argument(fmt::format("--allow-plugin {} stands alone: leave the others out", word));
    permit.any_ = word == kAny;
    if (word == kAny || word == kNone) break;
    const auto hash = word.starts_with(kHash) ? word.substr(kHash.size()) : std::string();
    if (!is_sha256_hex(hash))
      return invalid_argument(
          fmt::format("--allow-plugin {}: sha256: and the 64 digits that `sha256sum FILE.so` prints, any or none are "
                      "expected",
                      one_line(word)));
    permit.hashes_.insert(hash);
  }
  if (permit.hashes_.size() > kMostHashes)
    return invalid_argument(
        fmt::format("--allow-plugin names {} plug-ins; {} are the most", permit.hashes_.size(), kMostHashes));
  return permit;
}

std::string PluginPermit::label() const {
  if (any_) return std::string(kAny);
  std::string text;
  for (const auto& hash : hashes_) text += (text.empty() ? "" : " ") + hash.substr(0, kTold);
  return text;
}

bool label_allows(std::string_view label, std::string_view wanted) {
  if (label == kAny) return true;
  if (!wanted.starts_with(kHash) || wanted.size() < kHash.size() + kTold) return false;
  return label.find(wanted.substr(kHash.size(), kTold)) != std::string_view::npos;
}

std::string permit_word(std::string_view sha256) { return std::string(kHash) + std::string(sha256); }

}  // namespace ride
