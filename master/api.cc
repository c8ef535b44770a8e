// Routes, and what is answered from the state as it is; api_jobs.cc has what is asked of jobs.
#include "master/api.h"

#include <charconv>

#include "common/json.h"
#include "common/log.h"
#include "common/version.h"
#include "master/api_answers.h"
#include "master/master_metrics.h"
#include "master/openapi_text.h"
#include "master/stage_view.h"
#include "master/views.h"

namespace ride::master {

namespace {

using nlohmann::json;

constexpr std::int64_t kMaxEvents = 1000;

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// The values of {names} when the path fits the route's.
std::optional<std::map<std::string, std::string>> match(const std::string& route, const std::string& path) {
  const auto wanted = split(route), given = split(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string> values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].size() > 2 && wanted[i].front() == '{') {
      if (given[i].empty()) return std::nullopt;
      values[wanted[i].substr(1, wanted[i].size() - 2)] = given[i];
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return values;
}

Result<std::int64_t> number(const ApiRequest& request, const std::string& name, std::int64_t otherwise) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  const auto& text = found->second;
  std::int64_t value = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || rest != text.data() + text.size() || value < 0)
    return Error{ErrorCode::invalid_argument, fmt::format("{}={} is not a whole number from 0", name, text)};
  return value;
}

}  // namespace

const std::vector<Api::Entry>& Api::table() {
  static const std::vector<Entry> kTable = {
      {{"POST", "/api/v1/jobs"}, &Api::submit, true},
      {{"GET", "/api/v1/jobs"}, &Api::jobs},
      {{"GET", "/api/v1/jobs/{job}"}, &Api::job},
      {{"DELETE", "/api/v1/jobs/{job}"}, &Api::cancel, true},
      {{"POST", "/api/v1/jobs/{job}/pause"}, &Api::pause, true},
      {{"POST", "/api/v1/jobs/{job}/resume"}, &Api::resume, true},
      {{"POST", "/api/v1/jobs/{job}/drain"}, &Api::drain, true},
      {{"POST", "/api/v1/jobs/{job}/hold"}, &Api::hold, true},
      {{"POST", "/api/v1/jobs/{job}/release"}, &Api::release, true},
      {{"POST", "/api/v1/jobs/{job}/stages/{stage}/scale"}, &Api::scale, true},
      {{"POST", "/api/v1/jobs/{job}/stages/{stage}/hold"}, &Api::hold, true},
      {{"POST", "/api/v1/jobs/{job}/stages/{stage}/release"}, &Api::release, true},
      {{"POST", "/api/v1/plan"}, &Api::plan},
      {{"GET", "/api/v1/stages"}, &Api::stages},
      {{"GET", "/api/v1/sources"}, &Api::sources},
      {{"GET", "/api/v1/workers"}, &Api::workers},
      {{"GET", "/api/v1/nodes"}, &Api::nodes},
      {{"GET", "/api/v1/artifacts"}, &Api::artifacts, true},  // a prune deletes by it
      {{"GET", "/api/v1/events"}, &Api::events},
      {{"GET", "/api/v1/leader"}, &Api::leader},
      {{"GET", "/api/v1/openapi.json"}, &Api::openapi},
      {{"GET", "/healthz"}, &Api::healthz},
      {{"GET", "/readyz"}, &Api::readyz},
      {{"GET", "/metrics"}, &Api::metrics},
  };
  return kTable;
}

std::vector<Api::Route> Api::routes() {
  std::vector<Route> routes;
  for (const auto& entry : table()) routes.push_back(entry.route);
  return routes;
}

ApiResponse Api::handle(const ApiRequest& request) const {
  auto response = dispatch(request);
  ports_.metrics.add("ride_http_requests_total", {request.method, std::to_string(response.status)});
  return response;
}

ApiResponse Api::dispatch(const ApiRequest& request) const {
  const auto method = request.method == "HEAD" ? std::string("GET") : request.method;  // the same, without its body
  std::string allowed;
  for (const auto& [route, handler, leader_only] : table()) {
    const auto values = match(route.path, request.path);
    if (!values) continue;
    if (method == route.method) {
      const bool elsewhere = leader_only && ports_.loop.view().role != Leadership::Role::leading;
      return elsewhere ? redirect(request) : (this->*handler)(request, *values);
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    if (std::string_view(route.method) == "GET") allowed += ", HEAD";
  }
  if (!allowed.empty()) {
    auto response = problem(405, fmt::format("{} is not served here; {} is", request.method, allowed));
    response.allow = allowed;
    return response;
  }
  return problem(404, fmt::format("nothing is served at {}; see /api/v1/openapi.json", request.path));
}

ApiResponse Api::redirect(const ApiRequest& request) const {
  const auto view = ports_.loop.view();
  if (!view.is_led || view.leader.http.empty()) {
    auto response = problem(503, "no master leads at the moment; one takes over within seconds: try again");
    response.retry_after_seconds = 1;
    return response;
  }
  auto response = problem(307, fmt::format("this master is a standby; {} leads", view.leader.http));
  response.location = "http://" + view.leader.http + request.target;
  return response;
}

ApiResponse Api::stages(const ApiRequest&, const PathValues&) const {
  return respond(ports_.loop.ask<json>([](const State& state) { return stages_view(state); }));
}
ApiResponse Api::sources(const ApiRequest&, const PathValues&) const {
  return respond(ports_.loop.ask<json>([](const State& state) { return sources_view(state); }));
}
ApiResponse Api::workers(const ApiRequest&, const PathValues&) const {
  return respond(ports_.loop.ask<json>([](const State& state) { return workers_view(state); }));
}
ApiResponse Api::nodes(const ApiRequest&, const PathValues&) const {
  return respond(ports_.loop.ask<json>([](const State& state) { return nodes_view(state); }));
}

// With the topic that they lie in, and its brokers as this master reaches them.
ApiResponse Api::artifacts(const ApiRequest&, const PathValues&) const {
  auto view = ports_.loop.ask<json>([](const State& state) { return artifacts_view(state); });
  if (!view.ok()) return problem_of(view.error());
  (*view)["topic"] = ports_.plans.artifacts_topic();
  (*view)["brokers"] = ports_.plans.brokers();
  return respond(*view);
}

ApiResponse Api::events(const ApiRequest& request, const PathValues&) const {
  const auto after = number(request, "after", 0);
  const auto limit = number(request, "limit", 200);
  if (!after.ok()) return problem(400, after.error().message);
  if (!limit.ok()) return problem(400, limit.error().message);
  return respond(
      events_view(ports_.events.since(*after, static_cast<std::size_t>(std::min(*limit, kMaxEvents))), *after));
}

ApiResponse Api::openapi(const ApiRequest&, const PathValues&) const {
  return {200, "application/json", openapi_text()};
}

ApiResponse Api::healthz(const ApiRequest&, const PathValues&) const {
  return respond({{"status", "alive"}, {"version", version()}});
}

ApiResponse Api::leader(const ApiRequest&, const PathValues&) const {
  const auto view = ports_.loop.view();
  return respond({{"url", view.is_led && !view.leader.http.empty() ? json("http://" + view.leader.http) : json()},
                  {"id", view.is_led ? json(view.leader.id) : json()},
                  {"epoch", view.leader.epoch},
                  {"log", view.log},
                  {"leads", view.role == Leadership::Role::leading},
                  {"role", to_string(view.role)},
                  {"since_tick_ms", view.since_tick.count()},
                  {"waits_for_kafka", view.waits_for_kafka}});
}

ApiResponse Api::readyz(const ApiRequest&, const PathValues&) const {
  const auto view = ports_.loop.view();
  const bool leads = view.role == Leadership::Role::leading;
  if (!ports_.loop.ready() || (leads && !ports_.kafka_answers()))
    return problem(503,
                   leads ? "the master waits for Kafka" : "no master leads at the moment, or Kafka does not answer");
  return respond({{"status", leads ? "leader" : "standby"},
                  {"epoch", view.leader.epoch},
                  {"id", view.leader.id},
                  {"leader", "http://" + view.leader.http},
                  {"log", view.log}});
}

ApiResponse Api::metrics(const ApiRequest&, const PathValues&) const {
  auto filled = ports_.loop.ask<bool>([this](const State& state) {
    fill_metrics(state, ports_.metrics);
    return true;
  });
  const auto view = ports_.loop.view();
  ports_.metrics.set("ride_leading_masters", {}, view.role == Leadership::Role::leading ? 1 : 0);
  ports_.metrics.set("ride_last_tick_age_seconds", {}, static_cast<double>(view.since_tick.count()) / 1000);
  if (!filled.ok()) log_debug("metrics without the state: {}", filled.error().message);
  return {200, "text/plain; version=0.0.4; charset=utf-8", ports_.metrics.text()};
}

}  // namespace ride::master
