#include "broker-config/log_reader.h"

#include <spdlog/fmt/fmt.h>

#include <array>
#include <fstream>
#include <iterator>

#include "common/file_text.h"

namespace ride::broker {
namespace {

struct Known {
  const char* text;  // as Kafka or Java write it
  ErrorCode code;
  const char* meaning;
};

constexpr std::array kKnown = {
    Known{"Address already in use", ErrorCode::already_exists,
          "its port is taken by another program: stop that one, or give another port (--port; of 'ride up': "
          "--broker-port)"},
    Known{"Cannot assign requested address", ErrorCode::invalid_argument,
          "its --host is not an address of this machine"},
    Known{"No space left on device", ErrorCode::resource_exhausted,
          "the disk is full: free some space, or move its folder to another disk (--data), and start it again: what it "
          "has "
          "acknowledged is kept"},
    Known{"Disk quota exceeded", ErrorCode::resource_exhausted,
          "the disk quota is used up: free some space, or choose another disk (--data)"},
    Known{"Too many open files", ErrorCode::resource_exhausted,
          "too many open files: raise the limit (ulimit -n 65536)"},
    Known{"unable to create native thread", ErrorCode::resource_exhausted,
          "it could not start another thread: raise the limit of processes (ulimit -u, or that of its container)"},
    Known{"OutOfMemoryError", ErrorCode::resource_exhausted,
          "it ran out of memory: give it more (--heap), or use fewer partitions"},
    Known{"Could not reserve enough space", ErrorCode::resource_exhausted,
          "the machine has too little free memory for its heap (--heap)"},
    Known{"insufficient memory for the Java Runtime", ErrorCode::resource_exhausted,
          "the machine has too little free memory"},
    Known{"UnsupportedClassVersionError", ErrorCode::unsupported,
          "this Java is too old for these jars: install Java 17 or newer"},
    Known{"Could not find or load main class", ErrorCode::corrupt,
          "the Kafka jars are not complete: run scripts/fetch-kafka"},
    Known{"NoClassDefFoundError", ErrorCode::corrupt, "the Kafka jars are not complete: run scripts/fetch-kafka"},
    Known{"Permission denied", ErrorCode::permission, "it may not write to its data folder"},
    Known{"InconsistentClusterIdException", ErrorCode::corrupt,
          "its data folder belongs to another cluster: give another (--data)"},
    Known{"ConfigException", ErrorCode::invalid_argument, "Kafka refuses a setting"},
};

// The part of this run; of a long one the end, where the reason stands.
std::string read_part(const std::filesystem::path& log, std::uintmax_t start) {
  constexpr std::uintmax_t kMost = 256 << 10;
  std::error_code failed;
  const auto size = std::filesystem::file_size(log, failed);
  if (failed) return {};
  return file_text(log, std::max(start, size > kMost ? size - kMost : 0));
}

std::string line_around(const std::string& text, std::size_t position) {
  const auto before = text.rfind('\n', position);
  const auto begin = before == text.npos ? 0 : before + 1;
  return text.substr(begin, std::min<std::size_t>(text.find('\n', position) - begin, 300));
}

}  // namespace

Error explain_log(const std::filesystem::path& log, std::uintmax_t start, const std::string& what) {
  const std::string text = read_part(log, start);
  for (const Known& known : kKnown) {
    const auto found = text.find(known.text);
    if (found == text.npos) continue;
    return {known.code,
            fmt::format("{}: {}. It says: {} (log: {})", what, known.meaning, line_around(text, found), log.string())};
  }
  for (const char* mark : {" ERROR ", "Exception", "Error"}) {
    if (const auto found = text.find(mark); found != text.npos) {
      return {ErrorCode::internal,
              fmt::format("{}. It says: {} (log: {})", what, line_around(text, found), log.string())};
    }
  }
  return {ErrorCode::internal, fmt::format("{}, and gives no reason. Its log: {}", what, log.string())};
}

}  // namespace ride::broker
