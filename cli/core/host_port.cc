#include "cli/core/host_port.h"

#include <spdlog/fmt/fmt.h>

namespace ride::cli {

std::string where_and_what(const Settings& settings, const std::string& name) {
  const auto& place = settings.at(name).place;
  return fmt::format("{} ({})", place.empty() ? "the default of --" + name : place, settings.text(name));
}

Result<HostPort> http_address(const Settings& settings) {
  const std::string& text = settings.text("http");
  if (auto address = parse_host_port(text); address && !address->host.empty()) return *std::move(address);
  return Error{ErrorCode::invalid_argument,
               fmt::format("{}: 'http' is '{}', but HOST:PORT is needed, for example 127.0.0.1:7800",
                           settings.at("http").place, text)};
}

}  // namespace ride::cli
