// Requests of the master's API, each `METHOD /path?name=value` on a line, the lines behind it its body, `--` between
// two: through the real routes and the real owner of the state, whose log is in memory. Every request is answered, no
// answer is an error of the master's, and every view is JSON.
#include <charconv>

#include "common/check.h"
#include "common/json.h"
#include "common/log.h"
#include "master/api.h"
#include "master/core/apply.h"
#include "master/master_metrics.h"
#include "stream/memory/memory_log.h"
#include "tests/fuzz/records.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::master {
namespace {

// The decisions log.
struct Log {
  std::mutex mutex;
  std::vector<std::string> records;
};

class LogReader : public stream::ControlReader {
 public:
  explicit LogReader(std::shared_ptr<Log> log) : log_(std::move(log)) {}
  Result<std::vector<Entry>> poll(std::chrono::milliseconds) override {
    const std::lock_guard lock(log_->mutex);
    std::vector<Entry> entries;
    for (; next_ < log_->records.size(); ++next_)
      entries.push_back({Offset{static_cast<std::int64_t>(next_)}, SystemTime{}, log_->records[next_]});
    return entries;
  }
  bool caught_up() const override { return true; }
  Result<Offset> ask_end() override {
    const std::lock_guard lock(log_->mutex);
    return Offset{static_cast<std::int64_t>(log_->records.size())};
  }
  Offset next() const override { return Offset{static_cast<std::int64_t>(next_)}; }

 private:
  std::shared_ptr<Log> log_;
  std::size_t next_ = 0;
};

class LogWriter : public stream::ControlWriter {
 public:
  explicit LogWriter(std::shared_ptr<Log> log) : log_(std::move(log)) {}
  Result<Offset> append(const std::string& json, std::chrono::milliseconds timeout) override {
    return append_all({json}, timeout);
  }
  Result<Offset> append_all(const std::vector<std::string>& json, std::chrono::milliseconds) override {
    const std::lock_guard lock(log_->mutex);
    log_->records.insert(log_->records.end(), json.begin(), json.end());
    return Offset{static_cast<std::int64_t>(log_->records.size()) - 1};
  }
  Result<void> settle(std::chrono::milliseconds) override { return {}; }

 private:
  std::shared_ptr<Log> log_;
};

class Master {
 public:
  Master() {
    topics_->admin()->create({.name = "plates", .partitions = 4}).value();
    RIDE_CHECK(owner_.start().ok(), "the owner does not start");
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (owner_.view().role != Leadership::Role::leading) {
      RIDE_CHECK(std::chrono::steady_clock::now() < until, "nobody leads");
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  ~Master() { owner_.stop(); }

  ApiResponse handle(const ApiRequest& request) {
    auto response = api_.handle(request);
    RIDE_CHECK(!owner_.failed(), "a request ends the master: " + owner_.failed().value_or(Error{}).message);
    return response;
  }
  void check_state() {
    const auto wrong =
        owner_.ask<std::optional<std::string>>([](const State& state) { return find_violation(state.hard); });
    RIDE_CHECK(wrong.ok() && !*wrong, wrong.ok() ? wrong->value_or("") : wrong.error().message);
  }

 private:
  MasterLoop::Ports ports() {
    return {.open_reader = [log = log_]() -> Result<std::unique_ptr<stream::ControlReader>> {
              return std::unique_ptr<stream::ControlReader>(new LogReader(log));
            },
            .open_writer = [log = log_]() -> Result<std::unique_ptr<stream::ControlWriter>> {
              return std::unique_ptr<stream::ControlWriter>(new LogWriter(log));
            },
            .events = events_,
            .metrics = metrics_,
            .ensure = [](const EnsureTopics&) {},
            .remove = [](const DeleteTopics&) {},
            .truncate = [](Offset) {}};
  }

  std::shared_ptr<Log> log_ = std::make_shared<Log>();
  std::shared_ptr<stream::MemoryLog> topics_ = stream::MemoryLog::make();
  EventRing events_;
  Metrics metrics_{master_metrics_table()};
  MasterLoop owner_{
      {.id = "m1#a",
       .http = "127.0.0.1:7800",
       .rules = {},
       .leadership = {.silence = milliseconds(0), .spread = milliseconds(0), .pause = std::chrono::hours(1)}},
      ports()};
  PlanService desk_{{.catalog = tasks::builtin_catalog(), .environment = environment_of({})}, topics_->admin()};
  Api api_{{owner_, desk_, events_, metrics_, [] { return true; }}};
};

// "POST /api/v1/jobs?name=a.yaml"
ApiRequest request_of(std::string_view head, std::string body) {
  ApiRequest request;
  const auto blank = std::min(head.find(' '), head.size());
  request.method = head.substr(0, blank);
  const auto target = head.substr(std::min(blank + 1, head.size()));
  request.target = target;
  const auto question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  for (auto rest = target.substr(question); !rest.empty();) {
    rest.remove_prefix(1);
    const auto pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(pair.size());
    const auto equals = std::min(pair.find('='), pair.size());
    request.query[std::string(pair.substr(0, equals))] = pair.substr(std::min(equals + 1, pair.size()));
  }
  request.body = std::move(body);
  return request;
}

void check(const ApiRequest& request, const ApiResponse& response) {
  RIDE_CHECK(response.status >= 200 && response.status < 500,
             "an error of the master's own: " + request.target + " " + response.body);
  if (response.content_type.find("json") == std::string::npos) return;
  RIDE_CHECK(nlohmann::json::accept(response.body), "no JSON: " + request.target);
}

std::vector<ApiRequest> requests_of(std::string_view text) {
  std::vector<ApiRequest> requests;
  std::string_view head;
  std::string body;
  const auto end = [&] {
    if (!head.empty()) requests.push_back(request_of(head, std::exchange(body, {})));
    head = {};
  };
  for (const auto line : fuzz::lines_of(text)) {
    if (line == "--")
      end();
    else if (head.empty())
      head = line;
    else
      body += std::string(line) + '\n';
  }
  end();
  return requests;
}

}  // namespace
}  // namespace ride::master

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride::master;
  static const bool kQuiet = [] {
    ride::init_logging("fuzz_api_requests", ride::LogLevel::error);
    return true;
  }();
  (void)kQuiet;
  const auto requests = requests_of(ride::fuzz::as_text(data, size));
  if (requests.empty()) return 0;
  Master master;
  for (std::size_t i = 0; i < requests.size() && i < 20; ++i) check(requests[i], master.handle(requests[i]));
  for (const char* view : {"/api/v1/jobs", "/api/v1/stages", "/api/v1/sources", "/api/v1/events", "/metrics"}) {
    const auto request = request_of(std::string("GET ") + view, "");
    const auto response = master.handle(request);
    RIDE_CHECK(response.status == 200, "a view that is not served");
    check(request, response);
  }
  master.check_state();
  return 0;
}
