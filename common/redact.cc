#include "common/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <vector>

namespace ride {
namespace {

// Where the credentials of the URL whose authority starts at `start` end: behind the '@' that closes them, or `start`
// when there are none. A password may hold '@', and by mistake '/': what could be a secret counts as one.
std::size_t end_of_credentials(std::string_view text, std::size_t start) {
  std::size_t end = text.find_first_of(" \t\r\n\"<>", start);
  if (end == std::string_view::npos) end = text.size();
  const std::string_view url = text.substr(start, end - start);
  const std::string_view before_slash = url.substr(0, url.find('/'));
  if (before_slash.find_first_of(":@") == std::string_view::npos) return start;  // a plain host; '@' is in the path
  std::size_t at = url.substr(0, url.find_first_of("?#")).rfind('@');
  if (at == std::string_view::npos) at = url.rfind('@');  // a password with '?' or '#' in it
  return at == std::string_view::npos ? start : start + at + 1;
}

std::string redact_urls(std::string_view text) {
  std::string clean;
  std::size_t from = 0;
  while (true) {
    const std::size_t scheme = text.find("://", from);
    if (scheme == std::string_view::npos) break;
    const std::size_t start = scheme + 3;
    clean += text.substr(from, start - from);
    const std::size_t end = end_of_credentials(text, start);
    if (end > start) clean += "***@";
    from = end;
  }
  clean += text.substr(from);
  return clean;
}

// "?sig=abc&x=1" -> "?sig=***&x=1": keys that are too common as words to be hidden anywhere else.
std::string redact_queries(std::string_view text) {
  static constexpr std::array kKeys = {"sig",           "signature", "key", "auth",
                                       "authorization", "pass",      "pwd", "access_token"};
  std::string clean;
  std::size_t from = 0;
  for (std::size_t at = text.find_first_of("?&"); at != std::string_view::npos; at = text.find_first_of("?&", at + 1)) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    std::string key(text.substr(at + 1, equals - at - 1));
    std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
    if (equals < from || std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) continue;
    clean += text.substr(from, equals + 1 - from);
    from = std::min(text.find_first_of("&;# \t\r\n\"'<>", equals + 1), text.size());
    if (from > equals + 1) clean += "***";
  }
  clean += text.substr(from);
  return clean;
}

bool starts_with_word(std::string_view text, std::size_t at, std::string_view word) {
  if (text.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[at + i])) != word[i]) return false;
  }
  return true;
}

// "cannot open '/run/secrets/token': Not a directory": a file's name and why it failed, no key and its value. A key is
// no last part of a path, and what the system or FFmpeg says is no secret.
bool is_reason(std::string_view text, std::size_t key, std::size_t value) {
  static const std::vector<std::string> kReasons = [] {
    std::vector<std::string> reasons = {"Invalid data found", "Protocol not found", "Server returned", "End of file"};
    for (int code = 1; code < 134; ++code) reasons.emplace_back(std::strerror(code));
    return reasons;
  }();
  const auto rest = text.substr(value);
  if (std::any_of(kReasons.begin(), kReasons.end(), [&](const auto& one) { return rest.starts_with(one); }))
    return true;
  const auto before = text.substr(0, key).find_last_of(" \t\r\n\"'=,;:{(");
  return text.substr(0, key).find('/', before == std::string_view::npos ? 0 : before) != std::string_view::npos;
}

// Length of a secret's key ("password", ...) at `at` with its separator, up to where the value starts; 0: none here.
std::size_t secret_key_length(std::string_view text, std::size_t at) {
  for (const std::string_view word : {"password", "passwd", "passphrase", "secret", "token", "api_key", "apikey"}) {
    if (!starts_with_word(text, at, word)) continue;
    std::size_t i = at + word.size();
    if (i < text.size() && (text[i] == '"' || text[i] == '\'')) ++i;
    while (i < text.size() && text[i] == ' ') ++i;
    if (i >= text.size() || (text[i] != '=' && text[i] != ':') || text.substr(i, 3) == "://") continue;
    const bool colon = text[i++] == ':';
    while (i < text.size() && text[i] == ' ') ++i;
    if (colon && is_reason(text, at, i)) continue;
    return i - at;
  }
  return 0;
}

std::size_t end_of_value(std::string_view text, std::size_t start) {
  if (start < text.size() && (text[start] == '"' || text[start] == '\'')) {
    std::size_t i = start + 1;
    while (i < text.size() && text[i] != text[start]) i += text[i] == '\\' ? 2 : 1;
    return std::min(i + 1, text.size());
  }
  const std::size_t end = text.find_first_of(" \t\r\n", start);
  return end == std::string_view::npos ? text.size() : end;
}

std::string redact_values(std::string_view text) {
  std::string clean;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t key = secret_key_length(text, i);
    if (key == 0) {
      clean += text[i++];
      continue;
    }
    clean += text.substr(i, key);
    const std::size_t end = end_of_value(text, i + key);
    if (end > i + key) clean += "***";
    i = end;
  }
  return clean;
}

}  // namespace

std::string redact(std::string_view text) { return redact_values(redact_queries(redact_urls(text))); }

}  // namespace ride
