#include "master/master.h"

#include <mutex>
#include <optional>
#include <thread>

#include "common/log.h"
#include "master/api.h"
#include "master/http_server.h"
#include "master/master_loop.h"
#include "master/master_metrics.h"
#include "master/plan_service.h"
#include "master/report_feed.h"
#include "master/ticker.h"
#include "master/topic_worker.h"
#include "stream/control_client.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/member.h"

namespace ride::master {

namespace {

constexpr std::chrono::seconds kReportsTail{1};     // who lives reports again within it
constexpr std::size_t kMeasuredAtOnce = 256;        // partitions, in a second
constexpr std::chrono::seconds kCleanAfterEnd{20};  // jobs that are over are cleaned up so long

TopicWorker::Jobs jobs_to_clean(const State& state, SystemTime now) {
  TopicWorker::Jobs jobs;
  for (const auto& [name, job] : state.hard.jobs)
    if (has_owners(job->phase) || (is_over(job->phase) && now - job->phase_at < kCleanAfterEnd))
      jobs.push_back(job->spec);
  return jobs;
}

// A topic that was made a moment ago is not known to every broker at once.
template <class Open>
auto patiently(Open open) -> decltype(open()) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  for (;;) {
    auto opened = open();
    const bool passes = !opened.ok() && (opened.error().retriable || opened.error().code == ErrorCode::not_found);
    if (!passes || std::chrono::steady_clock::now() >= deadline) return opened;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace

// In the order of their making; taken down the other way round.
struct Master::Parts {
  explicit Parts(MasterOptions given) : options(std::move(given)) {}

  Result<void> listen() {
    RIDE_ASSIGN(auto address, parse_http_address(options.http));
    RIDE_ASSIGN(auto server, HttpServer::listen(address, access()));
    http = std::move(server);
    if (!http->on_loopback() && options.tokens.empty()) {
      if (!options.insecure) return open_to_all();
      log_warning(
          "--insecure: everybody who reaches {}:{} can submit jobs, which read and write files of the nodes: name a "
          "--token-file, or listen on loopback",
          address.host, http->port());
    }
    const bool v6 = address.host.find(':') != std::string::npos;
    authority = fmt::format("{}:{}", v6 ? "[" + address.host + "]" : address.host, http->port());
    return {};
  }

  HttpAccess access() const {
    HttpAccess access{.names = options.http_names, .tokens = options.tokens};
    if (!options.host.empty()) access.names.push_back(options.host);
    if (const auto own = host_of_authority(options.advertised)) access.names.push_back(*own);
    return access;
  }

  Error open_to_all() const {
    return {ErrorCode::invalid_argument,
            fmt::format(
                "--http {} can be reached from outside of this machine, and the API asks for no token: everybody could "
                "submit jobs, which read and write files. Name a file with a token (--token-file FILE, for example "
                "from 'openssl rand -hex 32'), listen on 127.0.0.1, or give --insecure if something else guards it",
                options.http)};
  }

  // What a claim shows others: "all addresses" is none that they could call.
  std::string advertised() const {
    if (!options.advertised.empty()) return options.advertised;
    for (const std::string all : {"0.0.0.0:", "[::]:"})
      if (authority.starts_with(all) && !options.host.empty()) return fmt::format("{}:{}", options.host, http->port());
    return authority;
  }

  Result<void> open_topic_worker_and_plans() {
    RIDE_ASSIGN(auto admin, kafka::open_admin(options.kafka));
    RIDE_ASSIGN(auto commits, kafka::open_commit_store(options.kafka));
    topic_worker = std::make_unique<TopicWorker>(
        TopicWorker::Ports{std::move(admin), std::move(commits), metrics, events, options.clean_interval});
    RIDE_ASSIGN(auto questions, kafka::open_admin(options.kafka));
    plans =
        std::make_unique<PlanService>(PlanService::Config{options.prefix, options.kafka.max_message_bytes,
                                                          options.catalog, options.environment, options.kafka.brokers},
                                      std::move(questions));
    return {};
  }

  Result<void> open_loop() {
    const auto topic = options.prefix + ".decisions";
    MasterLoop::Config config{stream::new_incarnation("master").value, advertised(), options.rules, options.leadership};
    MasterLoop::Ports ports{
        .open_reader = [=,
                        this] { return patiently([&] { return stream::open_control_reader(options.kafka, topic); }); },
        .open_writer = [=,
                        this] { return patiently([&] { return stream::open_control_writer(options.kafka, topic); }); },
        .events = events,
        .metrics = metrics,
        .ensure = [this](const EnsureTopics& topics) { topic_worker->ensure(topics.spec); },
        .remove = [this](const DeleteTopics& topics) { topic_worker->remove(topics.spec); },
        .truncate =
            [=, this](Offset before) {
              topic_worker->truncate({topic, PartitionId{0}}, before);
            }};
    loop = std::make_unique<MasterLoop>(std::move(config), std::move(ports));
    return loop->start();
  }

  Result<void> open_reports() {
    const auto topic = options.prefix + ".reports";
    const auto read = [this, topic] { return stream::open_control_reader(options.kafka, topic, kReportsTail); };
    const auto write = [this, topic] { return stream::open_control_writer(options.kafka, topic); };
    RIDE_ASSIGN(auto reader, patiently(read));
    RIDE_ASSIGN(auto writer, patiently(write));
    feed = std::make_unique<ReportFeed>(ReportFeed::Config{
        [this] { return loop->view().log; }, read,
        [this](std::vector<Event> read_events, std::size_t bytes) { loop->post(std::move(read_events), bytes); },
        [this](const std::string& words) {
          events.add(system_now(), {stream::Severity::warning, "report_refused", "", "", words});
        },
        metrics, [this](const Error& error) { refuse(error); }});
    ticker = std::make_unique<Ticker>(Ticker::Config{write, [this](std::int64_t number) { return loop->tick(number); },
                                                     [this] { return loop->tick_interval(); },
                                                     [this](const Error& error) { refuse(error); }});
    topic_worker->start({.done = [this](TopicsOutcome outcome) { loop->post({std::move(outcome)}); },
                         .jobs_to_clean = [this]() -> Result<TopicWorker::Jobs> {
                           if (loop->view().role != Leadership::Role::leading) return TopicWorker::Jobs{};
                           return loop->ask<TopicWorker::Jobs>(
                               [now = system_now()](const State& state) { return jobs_to_clean(state, now); });
                         },
                         .is_wanted = [this](const stream::JobSpec& spec) { return waits_for_topics(spec); },
                         .unreported = [this](const UnreportedPartition* after) { return unreported(after); },
                         .measured = [this](LogsMeasured measured) { loop->post({std::move(measured)}); }});
    feed->start(std::move(reader));
    ticker->start(std::move(writer));
    return {};
  }

  // Of a master that stands by as well: it answers questions from what it knows.
  Result<std::vector<UnreportedPartition>> unreported(const UnreportedPartition* after) {
    if (loop->view().role == Leadership::Role::reading) return std::vector<UnreportedPartition>{};
    const auto behind = after == nullptr ? std::nullopt : std::optional(*after);
    return loop->ask<std::vector<UnreportedPartition>>([behind](const State& state) {
      return unreported_partitions(state, kMeasuredAtOnce, behind ? &*behind : nullptr);
    });
  }

  // A master that cannot ask now does not know better.
  bool waits_for_topics(const stream::JobSpec& spec) {
    if (loop->view().role != Leadership::Role::leading) return false;
    const auto creating = loop->ask<bool>([job = spec.job, run = spec.run](const State& state) {
      const auto* found = state.hard.find(job, run);
      return found != nullptr && found->phase == JobPhase::creating;
    });
    return !creating.ok() || *creating;
  }

  // Until it leads, or knows who does.
  Result<void> find_place(const std::atomic<bool>& stop) {
    while (!loop->ready()) {
      if (stop) return Error{ErrorCode::cancelled, "stopped before a leader was found"};
      if (const auto failure = failed()) return *failure;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return {};
  }

  void serve() {
    api = std::make_unique<Api>(
        Api::Ports{*loop, *plans, events, metrics, [this] { return ticker->is_acknowledged(); },
                   [this](const JobName& job, RunNumber run) { return topic_worker->waits(job, run); }});
    http->serve([this](const ApiRequest& request) { return api->handle(request); });
  }

  // By the cluster, of what no master can do without. Any thread.
  void refuse(const Error& error) {
    const std::lock_guard lock(refusal_mutex);
    if (!refusal) refusal = error;
  }
  std::optional<Error> failed() const {
    if (auto failure = loop->failed()) return failure;
    const std::lock_guard lock(refusal_mutex);
    return refusal;
  }

  void stop() {
    if (ticker) ticker->stop();
    if (loop) loop->stop();  // answers who still waits, and refuses the rest
    if (feed) feed->stop();
    if (topic_worker) topic_worker->stop();
    if (http) http->stop();
  }

  const MasterOptions options;
  mutable std::mutex refusal_mutex;
  std::optional<Error> refusal;
  std::string authority;  // host:port
  EventRing events;
  Metrics metrics{master_metrics_table()};
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<TopicWorker> topic_worker;
  std::unique_ptr<PlanService> plans;
  std::unique_ptr<MasterLoop> loop;
  std::unique_ptr<ReportFeed> feed;
  std::unique_ptr<Ticker> ticker;
  std::unique_ptr<Api> api;
};

Master::Master(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Master::~Master() { stop(); }

Result<std::unique_ptr<Master>> Master::start(const MasterOptions& options, const std::atomic<bool>& stop) {
  auto parts = std::make_unique<Parts>(options);
  RIDE_TRY(parts->listen());
  RIDE_TRY(stream::ensure_control_topics(options.kafka, options.prefix));
  RIDE_TRY(parts->open_topic_worker_and_plans());
  RIDE_TRY(parts->open_loop());
  RIDE_TRY(parts->open_reports());
  RIDE_TRY(parts->find_place(stop));
  parts->serve();
  return std::unique_ptr<Master>(new Master(std::move(parts)));
}

std::string Master::url() const { return "http://" + parts_->authority; }
int Master::port() const { return parts_->http->port(); }
bool Master::leads() const { return parts_->loop->view().role == Leadership::Role::leading; }
std::string Master::leader() const {
  const auto view = parts_->loop->view();
  return view.is_led ? "http://" + view.leader.http : "";
}
std::optional<Error> Master::failed() const { return parts_->failed(); }
void Master::stop() { parts_->stop(); }

}  // namespace ride::master
