#include "master/api.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "common/version.h"
#include "master/change_view.h"
#include "master/core/job_change.h"
#include "master/master_metrics.h"
#include "master/openapi_text.h"
#include "master/stage_view.h"
#include "master/views.h"

namespace ride::master {

namespace {

using nlohmann::json;

constexpr std::int64_t kMaxEvents = 1000;

const char* title_of(int status) {
  switch (status) {
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 422:
      return "Unprocessable Entity";
    case 503:
      return "Service Unavailable";
    default:
      return status >= 500 ? "Internal Server Error" : "Error";
  }
}

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::unsupported:
    case ErrorCode::corrupt:
      return 422;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::already_exists:
      return 409;
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
    case ErrorCode::cancelled:
      return 503;
    case ErrorCode::resource_exhausted:
      return 413;
    case ErrorCode::permission:
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

ApiResponse respond(const json& body, int status = 200) {
  // Texts come from files and processes: bytes that are no UTF-8 are shown as such, not thrown about.
  return {status, "application/json", body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

template <class T>
ApiResponse respond(const Result<T>& body) {
  return body.ok() ? respond(json(*body)) : problem_of(body.error());
}

json to_json(const std::vector<topology::Diagnostic>& diagnostics) {
  auto list = json::array();
  for (const auto& one : diagnostics)
    list.push_back({{"file", one.file},
                    {"line", one.line},
                    {"column", one.column},
                    {"length", one.length},
                    {"severity", to_string(one.severity)},
                    {"message", one.message},
                    {"fix", one.fix}});
  return list;
}

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

Result<bool> flag(const ApiRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  if (found == request.query.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return Error{ErrorCode::invalid_argument, fmt::format("{}={} is neither true nor false", name, found->second)};
}

// The job goes on, and what would change takes more than was asked for: the problem tells both.
ApiResponse refuse_change(const Error& error, const json& change) {
  auto response = problem_of(error);
  if (error.code != ErrorCode::already_exists) return response;
  auto body = json::parse(response.body);
  body["change"] = change;
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

ApiResponse refuse(const Refusal& refusal) {
  if (!refusal.diagnostics.empty()) return problem(422, refusal.error.message, refusal.diagnostics);
  // An adopted topic that is not there is an error of the topology, not of the URL.
  const int status = refusal.error.code == ErrorCode::not_found ? 422 : status_of(refusal.error.code);
  return problem(status, refusal.error.message);
}

}  // namespace

ApiResponse problem(int status, const std::string& detail, const std::vector<topology::Diagnostic>& errors) {
  json body = {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (status == 422) body["errors"] = to_json(errors);
  return {status, "application/problem+json", body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

ApiResponse problem_of(const Error& error) { return problem(status_of(error.code), error.message); }

// ---- routes
// ----------------------------------------------------------------------------------------------------------

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
      const bool elsewhere = leader_only && ports_.owner.view().role != Leadership::Role::leading;
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
  const auto view = ports_.owner.view();
  if (!view.is_led || view.leader.http.empty())
  {
    auto response = problem(503, "no master leads at the moment; one takes over within seconds: try again");
    response.retry_after_seconds = 1;
    return response;
  }
  auto response = problem(307, fmt::format("this master stands by; {} leads", view.leader.http));
  response.location = "http://" + view.leader.http + request.target;
  return response;
}

// ---- jobs
// ------------------------------------------------------------------------------------------------------------

std::variant<Api::Submission, ApiResponse> Api::make_plan(const ApiRequest& request) const {
  const auto name = request.query.find("name");
  std::vector<topology::Diagnostic> warnings;
  auto parsed = ports_.desk.parse(request.body, name == request.query.end() ? "topology.yaml" : name->second, warnings);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return refuse(*refusal);
  const auto& topology = std::get<topology::Topology>(parsed);
  struct Standing {
    RunNumber next;
    std::optional<Job> job;
  };
  auto standing = ports_.owner.ask<Standing>([job = JobName{topology.name()}](const State& state) {
    const auto found = state.hard.jobs.find(job);
    const bool goes_on = found != state.hard.jobs.end() && !is_over(found->second->phase);
    return Standing{next_run(state.hard, job), goes_on ? std::optional(*found->second) : std::nullopt};
  });
  if (!standing.ok()) return problem_of(standing.error());
  const auto& before = standing->job;
  auto planned = ports_.desk.plan(topology, standing->next, before ? before->spec.get() : nullptr);
  if (const auto* refusal = std::get_if<Refusal>(&planned)) return refuse(*refusal);
  std::get<Planned>(planned).warnings = std::move(warnings);
  return Submission{std::get<Planned>(std::move(planned)), before};
}

ApiResponse Api::plan(const ApiRequest& request, const PathValues&) const {
  auto made = make_plan(request);
  if (auto* refused = std::get_if<ApiResponse>(&made)) return *refused;
  const auto& [planned, before] = std::get<Submission>(made);
  auto body = topology::plan_to_json(planned.plan, planned.existing);
  body["warnings"] = to_json(planned.warnings);
  body["change"] = before ? change_view(*before, topology::to_job_spec(planned.plan)) : json();
  return respond(body);
}

ApiResponse Api::submit(const ApiRequest& request, const PathValues&) const {
  const auto replace = flag(request, "replace");
  if (!replace.ok()) return problem(400, replace.error().message);
  auto made = make_plan(request);
  if (auto* refused = std::get_if<ApiResponse>(&made)) return *refused;
  const auto& [planned, before] = std::get<Submission>(made);
  const auto spec = topology::to_job_spec(planned.plan);
  const auto change = before ? change_view(*before, spec) : json();
  const auto run = ports_.owner.submit(spec, request.body, *replace);
  if (!run.ok()) return refuse_change(run.error(), change);
  const bool is_new = *run == spec.run;
  json body = {{"job", planned.plan.job},
               {"run", run->value},
               {"phase", to_string(JobPhase::creating)},
               {"change", "new"},
               {"replaces", nullptr},
               {"differences", json::array()},
               {"begins_again", json::array()},
               {"warnings", to_json(planned.warnings)}};
  if (!before || (is_new && !*replace)) return respond(body, 201);
  for (const char* key : {"change", "differences", "begins_again"}) body[key] = change[key];
  if (is_new) {
    body["change"] = to_string(JobChange::Kind::replace);
    body["replaces"] = before->spec->run.value;
  }
  body["phase"] = is_new ? to_string(JobPhase::draining) : to_string(before->phase);
  return respond(body, is_new ? 202 : 200);
}

ApiResponse Api::jobs(const ApiRequest&, const PathValues&) const {
  return respond(ports_.owner.ask<json>([](const State& state) { return jobs_view(state); }));
}

ApiResponse Api::job(const ApiRequest&, const PathValues& values) const {
  const JobName name{values.at("job")};
  auto view = ports_.owner.ask<std::optional<json>>([name](const State& state) { return job_view(state, name); });
  if (!view.ok()) return problem_of(view.error());
  if (!*view) return problem(404, fmt::format("there is no job '{}'", name.value));
  return respond(**view);
}

ApiResponse Api::change_phase(const std::string& job, PhaseCommand command, bool delete_topics) const {
  const JobName name{job};
  auto run = ports_.owner.change_phase(name, command, delete_topics);
  if (!run.ok()) return problem_of(run.error());
  return respond(ports_.owner.ask<json>([name](const State& state) {
    const auto found = state.hard.jobs.find(name);
    return found == state.hard.jobs.end() ? json::object() : phase_view(*found->second);
  }));
}

ApiResponse Api::pause(const ApiRequest&, const PathValues& values) const {
  return change_phase(values.at("job"), PhaseCommand::pause, false);
}
ApiResponse Api::resume(const ApiRequest&, const PathValues& values) const {
  return change_phase(values.at("job"), PhaseCommand::resume, false);
}
ApiResponse Api::drain(const ApiRequest&, const PathValues& values) const {
  return change_phase(values.at("job"), PhaseCommand::drain, false);
}
ApiResponse Api::cancel(const ApiRequest& request, const PathValues& values) const {
  const auto deletes = flag(request, "delete_topics");
  if (!deletes.ok()) return problem(400, deletes.error().message);
  return change_phase(values.at("job"), PhaseCommand::cancel, *deletes);
}

// ---- sizes of groups
// -------------------------------------------------------------------------------------------------

namespace {

// {"workers": 3}; null or "auto": the platform sizes the group again.
Result<std::optional<int>> workers_of(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  const Error wrong{ErrorCode::invalid_argument,
                    "the body is {\"workers\": N} with a whole number from 1, or {\"workers\": null} to let the platform "
                    "size the group again"};
  if (!parsed.is_object() || !parsed.contains("workers")) return wrong;
  const auto& workers = parsed["workers"];
  if (workers.is_null() || workers == "auto") return std::optional<int>();
  if (!workers.is_number_integer() || workers < 1 || workers > 1'000'000) return wrong;
  return std::optional(workers.get<int>());
}

}  // namespace

ApiResponse Api::change_size(const PathValues& values, std::optional<int> workers, bool hold) const {
  const auto stage = values.find("stage");
  const ScaleRequest wish{.job = JobName{values.at("job")},
                          .stage = StageName{stage == values.end() ? "" : stage->second},
                          .workers = workers,
                          .hold = hold};
  const auto run = ports_.owner.scale(wish);
  if (!run.ok()) return problem_of(run.error());
  return respond(ports_.owner.ask<json>([wish](const State& state) {
    const auto found = state.hard.jobs.find(wish.job);
    return found == state.hard.jobs.end() ? json::object() : sizes_view(*found->second, wish.stage);
  }));
}

ApiResponse Api::scale(const ApiRequest& request, const PathValues& values) const {
  const auto workers = workers_of(request.body);
  if (!workers.ok()) return problem(400, workers.error().message);
  return change_size(values, *workers, workers->has_value());
}
ApiResponse Api::hold(const ApiRequest&, const PathValues& values) const { return change_size(values, {}, true); }
ApiResponse Api::release(const ApiRequest&, const PathValues& values) const { return change_size(values, {}, false); }

// ---- what is there
// ---------------------------------------------------------------------------------------------------

ApiResponse Api::stages(const ApiRequest&, const PathValues&) const {
  return respond(ports_.owner.ask<json>([](const State& state) { return stages_view(state); }));
}
ApiResponse Api::sources(const ApiRequest&, const PathValues&) const {
  return respond(ports_.owner.ask<json>([](const State& state) { return sources_view(state); }));
}
ApiResponse Api::workers(const ApiRequest&, const PathValues&) const {
  return respond(ports_.owner.ask<json>([](const State& state) { return workers_view(state); }));
}
ApiResponse Api::nodes(const ApiRequest&, const PathValues&) const {
  return respond(ports_.owner.ask<json>([](const State& state) { return nodes_view(state); }));
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
  const auto view = ports_.owner.view();
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
  const auto view = ports_.owner.view();
  const bool leads = view.role == Leadership::Role::leading;
  if (!ports_.owner.ready() || (leads && !ports_.kafka_answers()))
    return problem(503, leads ? "the master waits for Kafka" : "no master leads at the moment, or Kafka does not answer");
  return respond({{"status", leads ? "leader" : "standby"},
                  {"epoch", view.leader.epoch},
                  {"id", view.leader.id},
                  {"leader", "http://" + view.leader.http},
                  {"log", view.log}});
}

ApiResponse Api::metrics(const ApiRequest&, const PathValues&) const {
  auto filled = ports_.owner.ask<bool>([this](const State& state) {
    fill_metrics(state, ports_.metrics);
    return true;
  });
  const auto view = ports_.owner.view();
  ports_.metrics.set("ride_leading_masters", {}, view.role == Leadership::Role::leading ? 1 : 0);
  ports_.metrics.set("ride_last_tick_age_seconds", {}, static_cast<double>(view.since_tick.count()) / 1000);
  if (!filled.ok()) log_debug("metrics without the state: {}", filled.error().message);
  return {200, "text/plain; version=0.0.4; charset=utf-8", ports_.metrics.text()};
}

}  // namespace ride::master
