#include "common/token_file.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ride {
namespace {

constexpr std::size_t kMostFile = 64 << 10, kLongestToken = 512;

Error cannot_read(const std::string& path, int reason) {
  return {reason == ENOENT ? ErrorCode::not_found : ErrorCode::permission,
          fmt::format(
              "cannot read the token file {}: {}. It holds one token a line, for example from 'openssl rand -hex 32'",
              path, std::strerror(reason))};
}

Result<std::string> text_of(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return cannot_read(path, errno);
  struct stat facts {};
  std::string text;
  ssize_t got = ::fstat(file, &facts) == 0 ? 1 : -1;
  std::array<char, 4096> buffer;
  while (got > 0 && S_ISREG(facts.st_mode) && text.size() <= kMostFile) {
    got = ::read(file, buffer.data(), buffer.size());
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno == EINTR) got = 1;
  }
  const int reason = errno;
  ::close(file);
  if (got < 0) return cannot_read(path, reason);
  if (!S_ISREG(facts.st_mode) || text.size() > kMostFile)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} is not a token file: it is not a plain file of at most {} KB", path, kMostFile >> 10)};
  if ((facts.st_mode & S_IRWXO) != 0)
    return Error{
        ErrorCode::permission,
        fmt::format("the token file {} may be read by everybody on this machine (its mode is {:o}): chmod 600 {}, or "
                    "640 with a group of its own",
                    path, facts.st_mode & 0777, path)};
  return text;
}

}  // namespace

bool is_token(std::string_view text) {
  return text.size() >= kShortestToken && text.size() <= kLongestToken &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

Result<std::vector<std::string>> read_token_file(const std::string& path) {
  RIDE_ASSIGN(auto text, text_of(path));
  std::vector<std::string> tokens;
  int number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') continue;
    if (!is_token(line))
      return Error{
          ErrorCode::invalid_argument,
          fmt::format("{}:{}: this is not a token: it takes {} to {} printable characters without blanks, for example "
                      "from 'openssl rand -hex 32'",
                      path, number, kShortestToken, kLongestToken)};
    tokens.emplace_back(line);
  }
  if (tokens.empty())
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("the token file {} holds no token: write one a line, for example from 'openssl rand -hex 32'",
                    path)};
  return tokens;
}

bool same_token(std::string_view given, std::string_view known) {
  volatile unsigned differs = given.size() == known.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    differs =
        differs | static_cast<unsigned>(static_cast<unsigned char>(given[i]) ^
                                        static_cast<unsigned char>(known.empty() ? '\0' : known[i % known.size()]));
  return differs == 0;
}

}  // namespace ride
