#include "broker-config/kafka_libs.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "process/proc.h"

namespace ride::broker {
namespace {
namespace fs = std::filesystem;

constexpr const char* kBrokerJar = "kafka_2.13-";
constexpr const char* kFetchThem = "run scripts/fetch-kafka";

// scripts/fetch-kafka leaves a list: a first line about its source, then "size name" for each jar.
std::string missing_from_list(const fs::path& folder) {
  std::ifstream list(folder / "jars.list");
  std::string line, name;
  std::getline(list, line);
  for (std::uintmax_t size = 0; list >> size >> name;) {
    std::error_code failed;
    const auto found = fs::file_size(folder / name, failed);
    if (failed) return name + " is missing";
    if (found != size) return fmt::format("{} has {} bytes instead of {}", name, found, size);
  }
  return {};
}

void add_places_above(fs::path folder, std::vector<fs::path>& places) {
  for (; !folder.empty(); folder = folder.parent_path()) {
    const fs::path place = folder / ".kafka" / "libs";
    if (std::ranges::find(places, place) == places.end()) places.push_back(place);
    if (folder == folder.root_path()) break;
  }
}

}  // namespace

std::vector<fs::path> kafka_lib_places() {
  if (const char* given = std::getenv("RIDE_KAFKA_LIBS"); given && *given) return {fs::absolute(given)};
  std::vector<fs::path> places;
  std::error_code failed;
  add_places_above(fs::current_path(failed), places);
  const fs::path bin = process::own_folder();
  add_places_above(bin, places);
  places.push_back(bin.parent_path() / "share" / "ride" / "kafka");
  return places;
}

Result<KafkaLibs> kafka_libs_in(const fs::path& folder) {
  KafkaLibs libs;
  libs.folder = folder;
  std::error_code failed;
  bool clients = false;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".jar") || name.ends_with("-sources.jar") || name.ends_with("-javadoc.jar")) continue;
    libs.jars.push_back(entry.path());
    clients = clients || name.starts_with("kafka-clients-");
    if (name.starts_with(kBrokerJar)) libs.version = name.substr(11, name.size() - 11 - 4);
  }
  if (failed || libs.version.empty()) {
    return Error{ErrorCode::not_found, fmt::format("no Kafka jars in {}: {}", folder.string(), kFetchThem)};
  }
  std::string wrong = missing_from_list(folder);
  if (wrong.empty() && !clients) wrong = "kafka-clients is missing";
  if (!wrong.empty()) {
    return Error{ErrorCode::corrupt,
                 fmt::format("the Kafka jars in {} are not complete ({}): {}", folder.string(), wrong, kFetchThem)};
  }
  if (std::atoi(libs.version.c_str()) < 4) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} holds Kafka {}, and RIDE's settings need 4.0 or newer: {}, or point "
                             "RIDE_KAFKA_LIBS to a newer one",
                             folder.string(), libs.version, kFetchThem)};
  }
  std::ranges::sort(libs.jars);
  return libs;
}

Result<KafkaLibs> find_kafka_libs() {
  const auto places = kafka_lib_places();
  for (const fs::path& place : places) {
    auto libs = kafka_libs_in(place);
    if (libs.ok() || libs.error().code != ErrorCode::not_found) return libs;
  }
  if (places.size() == 1) return kafka_libs_in(places.front());
  return Error{
      ErrorCode::not_found,
      fmt::format(
          "the Kafka jars are not there (looked for .kafka/libs in {} and above, and beside the program): {}, or "
          "point RIDE_KAFKA_LIBS to the libs folder of a Kafka 4 distribution",
          fs::current_path().string(), kFetchThem)};
}

}  // namespace ride::broker
