// What is asked of jobs and of the sizes of their groups.
#include <spdlog/fmt/fmt.h>

#include "common/json.h"
#include "master/api.h"
#include "master/api_answers.h"
#include "master/change_view.h"
#include "master/core/job_change.h"
#include "master/lacks.h"
#include "master/stage_view.h"
#include "master/submission.h"
#include "master/views.h"

namespace ride::master {

namespace {

using nlohmann::json;

Result<bool> flag(const ApiRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  if (found == request.query.end() || found->second == "false") return false;
  if (found->second == "true") return true;
  return Error{ErrorCode::invalid_argument, fmt::format("{}={} is neither true nor false", name, found->second)};
}

// The job goes on, and what would change takes more than was asked for: the problem has both.
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

ApiResponse refuse_drain(const Error& why) {
  if (why.retriable) return problem_of(why);
  return problem(409, fmt::format("{}. Cancel the job, if the topic is gone", why.message));
}

// {"workers": 3}; null or "auto": the platform sizes the group again.
Result<std::optional<int>> workers_of(const std::string& body) {
  const auto parsed = json::parse(body, nullptr, false);
  const Error wrong{
      ErrorCode::invalid_argument,
      "the body is {\"workers\": N} with a whole number from 1, or {\"workers\": null} to let the platform "
      "size the group again"};
  if (!parsed.is_object() || !parsed.contains("workers")) return wrong;
  const auto& workers = parsed["workers"];
  if (workers.is_null() || workers == "auto") return std::optional<int>();
  if (!workers.is_number_integer() || workers < 1 || workers > 1'000'000) return wrong;
  return std::optional(workers.get<int>());
}

}  // namespace

std::variant<Api::Submission, ApiResponse> Api::make_plan(const ApiRequest& request) const {
  const auto name = request.query.find("name");
  std::vector<topology::Diagnostic> warnings;
  const auto nodes = ports_.loop.ask<std::vector<topology::NodeOutputs>>(outputs_of_nodes);
  if (!nodes.ok()) return problem_of(nodes.error());
  auto submitted = read_submission(request);
  if (!submitted.ok()) return problem(400, submitted.error().message);
  auto parsed = ports_.plans.parse(submitted->topology, name == request.query.end() ? "topology.yaml" : name->second,
                                   submitted->plugins, *nodes, warnings);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return refuse(*refusal);
  const auto& topology = std::get<topology::Topology>(parsed);
  struct RunState {
    RunNumber next;
    std::optional<Job> job;
  };
  auto standing = ports_.loop.ask<RunState>([job = JobName{topology.name()}](const State& state) {
    const auto found = state.hard.jobs.find(job);
    const bool goes_on = found != state.hard.jobs.end() && !is_over(found->second->phase);
    return RunState{next_run(state.hard, job), goes_on ? std::optional(*found->second) : std::nullopt};
  });
  if (!standing.ok()) return problem_of(standing.error());
  const auto& before = standing->job;
  auto planned = ports_.plans.plan(topology, standing->next, before ? before->spec.get() : nullptr);
  if (const auto* refusal = std::get_if<Refusal>(&planned)) return refuse(*refusal);
  std::get<Planned>(planned).warnings = std::move(warnings);
  auto spec = topology::to_job_spec(std::get<Planned>(planned).plan);
  if (const auto attached = attach_artifacts(*submitted, ports_.plans.catalog(), spec); !attached.ok())
    return problem(422, attached.error().message);
  attach_plugins(submitted->plugins, spec);
  const auto forbidden =
      ports_.loop.ask<std::string>([spec](const State& state) { return plugin_refusal(state, spec); });
  if (!forbidden.ok()) return problem_of(forbidden.error());
  if (!forbidden->empty()) return problem(422, *forbidden);
  return Submission{std::get<Planned>(std::move(planned)), std::move(spec), std::move(submitted->topology), before};
}

// What the job would wait for, were it to begin now.
Result<json> Api::lacks_of(const stream::JobSpec& spec) const {
  return ports_.loop.ask<json>([spec](const State& state) { return lacks_view(lacks(state, spec)); });
}

ApiResponse Api::plan(const ApiRequest& request, const PathValues&) const {
  auto made = make_plan(request);
  if (auto* refused = std::get_if<ApiResponse>(&made)) return *refused;
  const auto& [planned, spec, text, before] = std::get<Submission>(made);
  const auto lacking = lacks_of(spec);
  if (!lacking.ok()) return problem_of(lacking.error());
  auto body = topology::plan_to_json(planned.plan, planned.existing);
  body["warnings"] = to_json(planned.warnings);
  body["change"] = before ? change_view(*before, spec) : json();
  body["lacks"] = *lacking;
  return respond(body);
}

ApiResponse Api::submit(const ApiRequest& request, const PathValues&) const {
  const auto replace = flag(request, "replace");
  if (!replace.ok()) return problem(400, replace.error().message);
  auto made = make_plan(request);
  if (auto* refused = std::get_if<ApiResponse>(&made)) return *refused;
  const auto& [planned, spec, text, before] = std::get<Submission>(made);
  const auto change = before ? change_view(*before, spec) : json();
  const auto lacking = lacks_of(spec);
  if (!lacking.ok()) return problem_of(lacking.error());
  stream::LogEnds ends;
  if (before && *replace) {
    auto found = ports_.plans.ends_of_adopted(*before->spec);
    if (!found.ok()) return refuse_drain(found.error());
    ends = std::move(found).value();
  }
  const auto run = ports_.loop.submit(spec, text, *replace, std::move(ends));
  if (!run.ok()) return refuse_change(run.error(), change);
  const bool is_new = *run == spec.run;
  json body = {{"job", planned.plan.job},
               {"run", run->value},
               {"phase", to_string(JobPhase::creating)},
               {"change", "new"},
               {"replaces", nullptr},
               {"differences", json::array()},
               {"begins_again", json::array()},
               {"lacks", *lacking},
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

// No decision says why a job is still being created: it may change with every try.
void Api::add_wait_reason(json& job) const {
  if (job["phase"] != to_string(JobPhase::creating) || !ports_.topics_wait) return;
  if (auto why = ports_.topics_wait(JobName{job["job"].get<std::string>()}, RunNumber{job["run"].get<std::int64_t>()}))
    job["waiting"].insert(job["waiting"].begin(), job["reason"] = std::move(*why));
}

ApiResponse Api::jobs(const ApiRequest&, const PathValues&) const {
  auto view = ports_.loop.ask<json>([](const State& state) { return jobs_view(state); });
  if (!view.ok()) return problem_of(view.error());
  for (auto& job : (*view)["jobs"]) add_wait_reason(job);
  return respond(*view);
}

ApiResponse Api::job(const ApiRequest&, const PathValues& values) const {
  const JobName name{values.at("job")};
  auto view = ports_.loop.ask<std::optional<json>>([name](const State& state) { return job_view(state, name); });
  if (!view.ok()) return problem_of(view.error());
  if (!*view) return problem(404, fmt::format("there is no job '{}'", name.value));
  add_wait_reason(**view);
  return respond(**view);
}

ApiResponse Api::change_phase(const PhaseRequest& requested) const {
  auto run = ports_.loop.change_phase(requested);
  if (!run.ok()) return problem_of(run.error());
  return respond(ports_.loop.ask<json>([name = requested.job](const State& state) {
    const auto found = state.hard.jobs.find(name);
    return found == state.hard.jobs.end() ? json::object() : phase_view(*found->second);
  }));
}

ApiResponse Api::pause(const ApiRequest&, const PathValues& values) const {
  return change_phase({.job = JobName{values.at("job")}, .command = PhaseCommand::pause});
}
ApiResponse Api::resume(const ApiRequest&, const PathValues& values) const {
  return change_phase({.job = JobName{values.at("job")}, .command = PhaseCommand::resume});
}

ApiResponse Api::drain(const ApiRequest&, const PathValues& values) const {
  const JobName name{values.at("job")};
  using Spec = std::shared_ptr<const stream::JobSpec>;
  const auto spec = ports_.loop.ask<Spec>([name](const State& state) {
    const auto found = state.hard.jobs.find(name);
    return found == state.hard.jobs.end() || is_over(found->second->phase) ? nullptr : found->second->spec;
  });
  if (!spec.ok()) return problem_of(spec.error());
  PhaseRequest requested{.job = name, .command = PhaseCommand::drain};
  if (*spec != nullptr) {
    auto ends = ports_.plans.ends_of_adopted(**spec);
    if (!ends.ok()) return refuse_drain(ends.error());
    requested.ends = std::move(ends).value();
  }
  return change_phase(requested);
}

ApiResponse Api::cancel(const ApiRequest& request, const PathValues& values) const {
  const auto deletes = flag(request, "delete_topics");
  if (!deletes.ok()) return problem(400, deletes.error().message);
  return change_phase({.job = JobName{values.at("job")}, .command = PhaseCommand::cancel, .delete_topics = *deletes});
}

ApiResponse Api::change_size(const PathValues& values, std::optional<int> workers, bool hold) const {
  const auto stage = values.find("stage");
  const ScaleRequest requested{.job = JobName{values.at("job")},
                               .stage = StageName{stage == values.end() ? "" : stage->second},
                               .workers = workers,
                               .hold = hold};
  const auto run = ports_.loop.scale(requested);
  if (!run.ok()) return problem_of(run.error());
  return respond(ports_.loop.ask<json>([requested](const State& state) {
    const auto found = state.hard.jobs.find(requested.job);
    return found == state.hard.jobs.end() ? json::object() : sizes_view(state, *found->second, requested.stage);
  }));
}

ApiResponse Api::scale(const ApiRequest& request, const PathValues& values) const {
  const auto workers = workers_of(request.body);
  if (!workers.ok()) return problem(400, workers.error().message);
  return change_size(values, *workers, workers->has_value());
}
ApiResponse Api::hold(const ApiRequest&, const PathValues& values) const { return change_size(values, {}, true); }
ApiResponse Api::release(const ApiRequest&, const PathValues& values) const { return change_size(values, {}, false); }

}  // namespace ride::master
