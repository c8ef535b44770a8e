#include "cli/core/host_port.h"

#include <spdlog/fmt/fmt.h>

namespace ride::cli {

std::string where_and_what(const Settings& settings, const std::string& name) {
  const auto& place = settings.at(name).place;
  return fmt::format("{} ({})", place.empty() ? "the default of --" + name : place, settings.text(name));
}

Result<HostPort> http_address(const Settings& settings) {
  const std::string& text = settings.text("http");
  const auto colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool number =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (number && colon != 0 && std::stoi(digits) <= 65535) return HostPort{text.substr(0, colon), std::stoi(digits)};
  return Error{ErrorCode::invalid_argument,
               fmt::format("{}: 'http' is '{}', but HOST:PORT is needed, for example 127.0.0.1:7800",
                           settings.at("http").place, text)};
}

}  // namespace ride::cli
