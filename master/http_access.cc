#include "master/http_access.h"

#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>
#include <strings.h>

#include <algorithm>

#include "common/ip_address.h"
#include "common/text.h"
#include "common/token_file.h"

namespace ride::master {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// A page can only be served under an address by the machine that has it: names are what others can let point at us.
bool is_own(const HttpAccess& access, const std::string& host) {
  if (access.on_loopback) return is_loopback_host(host);
  return same_name(host, "localhost") || parse_ip_address(host) ||
         std::any_of(access.names.begin(), access.names.end(), [&](const auto& name) { return same_name(host, name); });
}

// A web page of somebody else must not give us orders through the browser of who visits it: neither by a name of its
// own that it lets point at this machine (Host), nor straight (its Origin is not ours).
std::optional<ApiResponse> refuse_page(const HttpAccess& access, const HttpHead& head) {
  if (head.count("host") > 1 || head.count("origin") > 1) return problem(400, "more than one Host or Origin");
  const auto authority = head.field("host");
  const auto host = host_of_authority(authority);
  if (!authority.empty() && (!host || !is_own(access, *host)))
    return problem(
        403, access.on_loopback
                 ? fmt::format("this API listens on loopback and is not called {}; call it 127.0.0.1 or localhost",
                               one_line(authority))
                 : fmt::format("this API is not called {}; start ride-master with --http-name {} if it should be",
                               one_line(authority), one_line(host.value_or("NAME"))));
  if (head.count("origin") == 0) return std::nullopt;
  const auto origin = head.field("origin");
  if (!authority.empty() && (origin == "http://" + authority || origin == "https://" + authority)) return std::nullopt;
  return problem(403, fmt::format("a page of {} may not use this API", one_line(origin)));
}

bool is_open_to_all(const HttpHead& head) { return head.path() == "/healthz" || head.path() == "/readyz"; }

std::optional<ApiResponse> refuse_stranger(const HttpAccess& access, const HttpHead& head) {
  if (access.tokens.empty() || is_open_to_all(head)) return std::nullopt;
  constexpr std::string_view kScheme = "bearer ";
  const auto given = head.field("authorization");
  const bool bearer = head.count("authorization") == 1 && given.size() > kScheme.size() &&
                      ::strncasecmp(given.data(), kScheme.data(), kScheme.size()) == 0;
  bool known = false;
  for (const auto& token : access.tokens)
    known = same_token(bearer ? std::string_view(given).substr(kScheme.size()) : std::string_view(), token) || known;
  if (known) return std::nullopt;
  auto refusal =
      problem(401, bearer ? "this master does not know the token that came with the request"
                          : "this master asks for a token: 'Authorization: Bearer TOKEN' (for ride: RIDE_TOKEN_FILE "
                            "or --token-file FILE)");
  refusal.authenticate = bearer ? R"(Bearer realm="ride", error="invalid_token")" : R"(Bearer realm="ride")";
  return refusal;
}

}  // namespace

std::optional<std::string> host_of_authority(std::string_view authority) {
  const bool bracketed = authority.starts_with('[');
  const auto end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  const auto host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  auto rest = authority.substr(std::min(authority.size(), bracketed ? end + 1 : host.size()));
  if (!rest.empty() &&
      (!rest.starts_with(':') || rest.size() > 6 || rest.find_first_not_of("0123456789", 1) != std::string_view::npos))
    return std::nullopt;
  const auto address = parse_ip_address(host);
  if (host.empty() || (bracketed && (!address || address->family != AF_INET6))) return std::nullopt;
  return std::string(host);
}

std::optional<ApiResponse> refuse_access(const HttpAccess& access, const HttpHead& head) {
  if (auto refused = refuse_page(access, head)) return refused;
  return refuse_stranger(access, head);
}

}  // namespace ride::master
