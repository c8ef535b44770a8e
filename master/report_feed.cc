#include "master/report_feed.h"

#include "common/log.h"

namespace ride::master {

using std::chrono::milliseconds;

void ReportFeed::start(std::unique_ptr<stream::ControlReader> reader) {
  reader_ = std::move(reader);
  thread_ = std::thread([this] { run(); });
}

void ReportFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void ReportFeed::run() {
  while (!stopping_) {
    auto entries = reader_->poll(milliseconds(100));
    if (entries.ok()) {
      take(*entries);
      continue;
    }
    log_warning("reading the reports: {}; beginning again at its end", entries.error().message);
    reopen();
  }
}

void ReportFeed::take(const std::vector<stream::ControlReader::Entry>& entries) {
  std::vector<Event> events;
  const auto log_id = config_.log_id();
  if (log_id.empty()) return;
  for (const auto& entry : entries) {
    auto report = stream::decode_report(entry.json);
    if (!report.ok()) {
      refuse(fmt::format("offset {}: {}", entry.offset.value, report.error().message));
    } else if (report->log != log_id) {
      refuse(fmt::format("a record of log '{}' where '{}' is expected: a process of another cluster writes here",
                         report->log, log_id));
    } else {
      events.push_back(ReportRead{std::move(report->body), clock_.now()});
    }
  }
  if (!events.empty()) config_.post(std::move(events));
}

void ReportFeed::refuse(const std::string& why) {
  config_.metrics.add("ride_refused_reports_total", {});
  if (why == said_) return;
  said_ = why;
  log_error("reports log: {}", why);
}

void ReportFeed::reopen() {
  while (!stopping_) {
    std::this_thread::sleep_for(milliseconds(200));
    auto fresh = config_.open();
    if (!fresh.ok()) continue;
    reader_ = std::move(fresh).value();
    return;
  }
}

}  // namespace ride::master
