#include "master/report_feed.h"

#include "common/guarded_thread.h"
#include "common/log.h"

namespace ride::master {

using std::chrono::milliseconds;

void ReportFeed::start(std::unique_ptr<stream::ControlReader> reader) {
  reader_ = std::move(reader);
  thread_ = guarded_thread("the reports", [this] { run(); });
}

void ReportFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void ReportFeed::run() {
  while (!stopping_) {
    auto entries = reader_->poll(milliseconds(100));
    if (entries.ok()) {
      handle(*entries);
      continue;
    }
    if (entries.error().code == ErrorCode::permission) return config_.refused(entries.error());
    log_warning("reading the reports: {}; beginning again at its end", entries.error().message);
    reopen();
  }
}

void ReportFeed::handle(const std::vector<stream::ControlReader::Entry>& entries) {
  std::vector<Event> events;
  std::size_t bytes = 0;
  const auto log_id = config_.log_id();
  if (log_id.empty()) return;
  const auto now = clock_.now();
  for (const auto& entry : entries) {
    auto report = stream::decode_report(entry.json);
    if (!report.ok()) {
      refuse(stream::Refused::unreadable, fmt::format("offset {}: {}", entry.offset.value, report.error().message),
             now);
    } else if (report->log != log_id) {
      refuse(stream::Refused::foreign_log,
             fmt::format(
                 "offset {}: a record of log '{}' where '{}' is expected: a process of another cluster writes here",
                 entry.offset.value, report->log, log_id),
             now);
    } else {
      bytes += entry.json.size();
      events.push_back(ReportRead{std::move(report->body), times_.at(entry.timestamp, clock_.now())});
    }
  }
  if (!events.empty()) config_.post(std::move(events), bytes);
}

void ReportFeed::refuse(stream::Refused kind, const std::string& why, SystemTime now) {
  config_.metrics.add("ride_refused_reports_total", {});
  const auto words = refusals_.add(kind, "reports log: " + why, now);
  if (!words) return;
  log_error("{}", *words);
  config_.warn(*words);
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
