// The REST API without HTTP's library: requests in, responses out. A master that stands by answers questions itself,
// since it follows the same logs, and sends what leads to a decision on to the leader (307). The route table is the one
// place that lists what is served; docs/openapi.json describes the same, and a test compares them. Threads: handle()
// may be called from any. Failure: every error is a problem+json (RFC 7807); a malformed request is an error of its
// sender, never of the master.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/metrics.h"
#include "master/event_ring.h"
#include "master/master_loop.h"
#include "master/plan_service.h"

namespace ride::master {

struct ApiRequest {
  std::string method;  // "GET"
  std::string path;    // decoded, without the query
  std::map<std::string, std::string> query;
  std::string body;
  std::string target;  // path and query as they were sent
  std::string content_type;
};

struct ApiResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string location;         // of a redirection
  int retry_after_seconds = 0;  // with 503: worth trying again then
  std::string allow;            // with 405: the methods that are served
  std::string authenticate;     // with 401: WWW-Authenticate
};

class Api {
 public:
  struct Ports {
    MasterLoop& loop;
    PlanService& plans;
    EventRing& events;
    Metrics& metrics;
    std::function<bool()> kafka_answers;  // ticks are acknowledged
    // Why a job's topics are not there yet.
    std::function<std::optional<std::string>(const JobName&, RunNumber)> topics_wait;
  };
  explicit Api(Ports ports) : ports_(std::move(ports)) {}

  ApiResponse handle(const ApiRequest& request) const;

  struct Route {
    const char* method;
    const char* path;  // "/api/v1/jobs/{job}"
  };
  static std::vector<Route> routes();

 private:
  using PathValues = std::map<std::string, std::string>;
  using Handler = ApiResponse (Api::*)(const ApiRequest&, const PathValues&) const;
  struct Entry {
    Route route;
    Handler handler;
    bool leader_only = false;  // it leads to a decision
  };
  static const std::vector<Entry>& table();
  ApiResponse dispatch(const ApiRequest& request) const;
  ApiResponse redirect(const ApiRequest& request) const;  // to the leader

  ApiResponse submit(const ApiRequest&, const PathValues&) const;
  ApiResponse plan(const ApiRequest&, const PathValues&) const;
  ApiResponse artifacts(const ApiRequest&, const PathValues&) const;
  ApiResponse jobs(const ApiRequest&, const PathValues&) const;
  ApiResponse job(const ApiRequest&, const PathValues&) const;
  ApiResponse pause(const ApiRequest&, const PathValues&) const;
  ApiResponse resume(const ApiRequest&, const PathValues&) const;
  ApiResponse drain(const ApiRequest&, const PathValues&) const;
  ApiResponse cancel(const ApiRequest&, const PathValues&) const;
  ApiResponse scale(const ApiRequest&, const PathValues&) const;
  ApiResponse hold(const ApiRequest&, const PathValues&) const;
  ApiResponse release(const ApiRequest&, const PathValues&) const;
  ApiResponse stages(const ApiRequest&, const PathValues&) const;
  ApiResponse sources(const ApiRequest&, const PathValues&) const;
  ApiResponse workers(const ApiRequest&, const PathValues&) const;
  ApiResponse nodes(const ApiRequest&, const PathValues&) const;
  ApiResponse events(const ApiRequest&, const PathValues&) const;
  ApiResponse openapi(const ApiRequest&, const PathValues&) const;
  ApiResponse leader(const ApiRequest&, const PathValues&) const;
  ApiResponse healthz(const ApiRequest&, const PathValues&) const;
  ApiResponse readyz(const ApiRequest&, const PathValues&) const;
  ApiResponse metrics(const ApiRequest&, const PathValues&) const;

  ApiResponse change_size(const PathValues& values, std::optional<int> workers, bool hold) const;
  ApiResponse change_phase(const PhaseRequest& requested) const;
  void add_wait_reason(nlohmann::json& job) const;
  // A topology on its way to a job, and the job of that name that goes on, if there is one.
  struct Submission {
    Planned planned;
    stream::JobSpec spec;
    std::string topology;  // its text
    std::optional<Job> before;
  };
  Result<nlohmann::json> lacks_of(const stream::JobSpec& spec) const;
  std::variant<Submission, ApiResponse> make_plan(const ApiRequest& request) const;

  Ports ports_;
};

// {type, title, status, detail}; `errors` for what is wrong in a topology.
ApiResponse problem(int status, const std::string& detail, const std::vector<topology::Diagnostic>& errors = {});
ApiResponse problem_of(const Error& error);

}  // namespace ride::master
