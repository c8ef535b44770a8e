#include "cli/core/status_view.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "cli/core/change_view.h"
#include "cli/core/fields.h"
#include "cli/core/losses.h"
#include "common/redact.h"
#include "common/text.h"
#include "common/wording.h"

namespace ride::cli {
namespace {

bool belongs(const Json& item, const std::string& job) { return job.empty() || text_of(item, "job") == job; }

bool unknown(const Json& item, const char* name) {
  return item.is_object() && item.contains(name) && item[name].is_null();
}

std::string count_text(const Json& item, const char* name) {
  return unknown(item, name) ? "-" : fmt::format("{}", count_of(item, name));
}

// What nobody knows is no 0. `count`: what is shown of it.
Cell any_cell(const Json& item, const char* name, std::int64_t count, Tone tone) {
  if (unknown(item, name)) return {"-", Tone::plain};
  return {fmt::format("{}", count), count > 0 ? tone : Tone::plain};
}
Cell bad_if_any(const Json& item, const char* name, std::int64_t count) {
  return any_cell(item, name, count, Tone::bad);
}
Cell warn_if_any(const Json& item, const char* name, std::int64_t count) {
  return any_cell(item, name, count, Tone::warning);
}

std::string rate_text(const Json& item, const char* name) {
  const auto rate = number_of(item, name);
  return rate ? format_rate(*rate) : "-";
}

std::optional<SystemTime> time_of(const Json& item, const char* name) {
  const auto parsed = parse_time(text_of(item, name));
  if (!parsed.ok() || parsed->time_since_epoch().count() <= 0) return std::nullopt;
  return *parsed;
}

std::string bytes_text(const Json& item, const char* name) {
  const auto bytes = count_of(item, name);
  return bytes > 0 ? fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1 << 20)) : "-";
}

Cell connection(const Json& source) {
  if (flag_of(source, "ended")) return {"ended", Tone::good};
  if (flag_of(source, "connected")) return {"connected", Tone::good};
  return {text_of(source, "producer").empty() ? "no producer" : "not connected", Tone::bad};
}

std::string gaps_text(const Json& source) {
  const auto gaps = count_of(source, "gaps");
  if (gaps == 0) return "0";
  return fmt::format(
      "{} (longest {})", gaps,
      format_duration(milliseconds(static_cast<std::int64_t>(number_of(source, "longest_gap_ms").value_or(0)))));
}

std::string frames_text(const Json& source) {
  const auto total = number_of(source, "total");
  if (!total || *total < 0) return count_text(source, "frames");
  return fmt::format("{}/{}", count_of(source, "frames"), static_cast<std::int64_t>(*total));
}

Cell worker_state(const Json& worker) {
  const std::string state = text_of(worker, "state", "live");
  return {state, state == "live" ? Tone::good : state == "lost" ? Tone::bad : Tone::dim};
}

std::string work_of(const Json& worker) {
  const std::string job = text_of(worker, "job"), stage = text_of(worker, "stage");
  if (const auto sources = count_of(worker, "sources"); sources > 0) return counted(sources, "source");
  if (job.empty() && stage.empty()) return "-";
  return job + "/" + stage + (flag_of(worker, "spare") ? " (spare)" : "");
}

std::string percent_text(const Json& item, const char* name) {
  const auto value = number_of(item, name);
  return value ? fmt::format("{:.0f} %", *value) : "-";
}

// "120 (1.8 s)"; unknown is not zero.
std::string lag_text(const Json& stage) {
  const auto lag = number_of(stage, "lag"), seconds = number_of(stage, "lag_seconds");
  if (!lag) return "-";
  if (!seconds || *lag <= 0) return fmt::format("{:.0f}", *lag);
  return fmt::format("{:.0f} ({:.1f} s)", *lag, *seconds);
}

std::string share_text(const Json& item, const char* name) {
  const auto value = number_of(item, name);
  return value ? fmt::format("{:.0f} %", *value * 100) : "-";
}

// Why the groups are as large as they are, and what they lack.
std::string size_reasons(const Json& stages, const std::string& job, const ViewOptions& view) {
  std::string text;
  for (const Json& stage : list_of(stages, "stages")) {
    if (!belongs(stage, job)) continue;
    const std::string name = (job.empty() ? text_of(stage, "job") + "/" : "") + text_of(stage, "stage");
    if (const std::string waiting = text_of(stage, "waiting"); !waiting.empty())
      text += view.style.paint(fmt::format("{}: {}", name, waiting), Tone::warning) + "\n";
    const std::string reason = text_of(stage, "size_reason");
    if (reason.empty()) continue;
    const auto at = time_of(stage, "sized_at");
    text +=
        view.style.paint(fmt::format("{}: {}{}", name, reason, at ? " (" + format_age(*at, view.now) + " ago)" : ""),
                         Tone::dim) +
        "\n";
  }
  return text;
}

// The first thing that a job lacks says more than why its phase began.
std::string job_reason(const Json& job) {
  const Json& waiting = list_of(job, "waiting");
  if (!waiting.empty() && waiting.front().is_string()) return one_line(waiting.front().get<std::string>());
  return text_of(job, "reason");
}

std::string gpu_text(const Json& node) {
  const Json& devices = list_of(node, "devices");
  if (devices.empty()) return "-";
  const auto gpus = std::count(devices.begin(), devices.end(), Json("gpu"));
  return gpus == 0 ? "none" : gpus == 1 ? "yes" : fmt::format("{}", gpus);
}

// In the order in which they are shown: who lives; then each name that has no living incarnation, with its last one.
// `folded`: all that is left, earlier incarnations and names beyond the first few.
std::vector<const Json*> workers_to_show(const Json& workers, const ViewOptions& view, std::int64_t& folded) {
  constexpr std::size_t kMostLost = 10;
  std::vector<const Json*> live, gone;
  std::set<std::string> names;
  for (const Json& worker : list_of(workers, "workers")) {
    const bool lives = text_of(worker, "state", "live") == "live";
    (lives ? live : gone).push_back(&worker);
    if (lives) names.insert(text_of(worker, "name"));
  }
  std::size_t shown = 0;
  for (auto worker = gone.rbegin(); worker != gone.rend(); ++worker) {  // the master lists them in order of their end
    const bool news = names.insert(text_of(**worker, "name")).second;
    if (view.all || (news && ++shown <= kMostLost))
      live.push_back(*worker);
    else
      ++folded;
  }
  return live;
}

}  // namespace

bool names_its_part(const std::string& text, const std::string& part) {
  for (const std::string kind : {"source ", "stage "}) {
    const auto head = kind + part;
    if (part.empty() || !text.starts_with(head)) continue;
    const char next = text.size() == head.size() ? ' ' : text[head.size()];
    if (next == ' ' || next == ':' || next == ',') return true;
  }
  return false;
}

Tone tone_of_phase(const std::string& phase) {
  if (phase == "running" || phase == "completed") return Tone::good;
  if (phase == "failed") return Tone::bad;
  if (phase == "cancelled") return Tone::dim;
  return Tone::warning;
}

std::string format_rate(double per_second) {
  if (per_second >= 100) return fmt::format("{:.0f}", per_second);
  if (per_second >= 1) return fmt::format("{:.1f}", per_second);
  return per_second > 0 ? fmt::format("{:.2f}", per_second) : "0";
}

std::string format_age(SystemTime then, SystemTime now) {
  if (then.time_since_epoch().count() <= 0) return "never";
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - then).count());
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return seconds < 172800 ? fmt::format("{:.0f} h", seconds / 3600) : fmt::format("{:.0f} d", seconds / 86400);
}

std::string render_leader(const Json& leader, const std::string& asked, const ViewOptions& view) {
  if (!leader.contains("role")) return {};
  const std::string url = text_of(leader, "url");
  if (url.empty()) return view.style.paint("no master is leading", Tone::bad) + " (asked " + asked + ")\n";
  auto text = fmt::format("led by {}, epoch {}", url, count_of(leader, "epoch"));
  if (!flag_of(leader, "leads")) text += fmt::format("; {} is a standby", asked);
  text = view.style.paint(text, Tone::dim) + "\n";
  if (flag_of(leader, "waits_for_kafka"))
    text += view.style.paint("Kafka accepts no decisions: what is shown is out of date", Tone::bad) +
            " (are the brokers running, and is there space on their disks? `ride logs` and a broker's broker.log say "
            "more)\n";
  return text;
}

std::string render_jobs(const Json& jobs, const ViewOptions& view) {
  Table table({{"JOB"},
               {"RUN", Align::right},
               {"PHASE"},
               {"SUBMITTED"},
               {"IN", Align::right},
               {"OUT", Align::right},
               {"DONE", Align::right},
               {"REASON"}});
  for (const Json& job : list_of(jobs, "jobs")) {
    const auto submitted = time_of(job, "submitted_at");
    const auto progress = number_of(job, "progress");
    const std::string phase = text_of(job, "phase");
    table.add({Cell(text_of(job, "job"), Tone::bold), count_text(job, "run"), Cell(phase, tone_of_phase(phase)),
               submitted ? format_age(*submitted, view.now) + " ago" : "-", count_text(job, "frames_in"),
               count_text(job, "frames_out"), progress ? fmt::format("{:.0f} %", *progress * 100) : "-",
               redact(job_reason(job))});
  }
  return table.empty() ? "no jobs\n" : table.render(view.style, view.width);
}

std::string render_sources(const Json& sources, const std::string& job, const ViewOptions& view) {
  Table table({{"SOURCE"},
               {"STATE"},
               {"FPS", Align::right},
               {"FRAMES", Align::right},
               {"LAST FRAME", Align::right},
               {"DROPPED", Align::right},
               {"REJECTED", Align::right},
               {"GAPS"},
               {"ERROR"}});
  std::string unwritten;
  for (const Json& source : list_of(sources, "sources")) {
    if (!belongs(source, job)) continue;
    const auto last = time_of(source, "last_frame");
    const std::string name = (job.empty() ? text_of(source, "job") + "/" : "") + text_of(source, "source");
    table.add({Cell(name, Tone::bold), connection(source), rate_text(source, "fps"), frames_text(source),
               last ? format_age(*last, view.now) : "-", warn_if_any(source, "dropped", count_of(source, "dropped")),
               warn_if_any(source, "rejected", count_of(source, "rejected")),
               Cell(gaps_text(source), count_of(source, "gaps") > 0 ? Tone::warning : Tone::plain),
               Cell(redact(text_of(source, "error")), Tone::bad)});
    if (const auto count = count_of(source, "unwritten"); count > 0)
      unwritten += view.style.paint(fmt::format("{}: {} frame{} captured and not written when their producer ended",
                                                name, count, count == 1 ? " was" : "s were"),
                                    Tone::warning) +
                   "\n";
  }
  return table.empty() ? "" : table.render(view.style, view.width) + unwritten;
}

std::string render_stages(const Json& stages, const std::string& job, const ViewOptions& view, const Json* sources) {
  Table table({{"STAGE"},
               {"TASK"},
               {"WORKERS"},
               {"FPS IN", Align::right},
               {"FPS OUT", Align::right},
               {"PER WORKER", Align::right},
               {"BUSY", Align::right},
               {"LAG", Align::right},
               {"PARTITIONS", Align::right},
               {"ACKED", Align::right},
               {"FILTERED", Align::right},
               {"DROPPED", Align::right},
               {"DEAD", Align::right},
               {"EXPIRED", Align::right},
               {"OLDEST", Align::right}});
  for (const Json& stage : list_of(stages, "stages")) {
    if (!belongs(stage, job)) continue;
    const std::string name = (job.empty() ? text_of(stage, "job") + "/" : "") + text_of(stage, "stage");
    const auto workers = static_cast<std::int64_t>(list_of(stage, "workers").size()),
               wanted = count_of(stage, "wanted");
    const auto oldest = number_of(stage, "oldest_unacked_ms");
    const auto own = losses_of(stage, stages, sources == nullptr ? stages : *sources);
    table.add({Cell(name, Tone::bold), text_of(stage, "task"),
               Cell(size_text(stage), workers < wanted ? Tone::warning : Tone::plain), rate_text(stage, "arrival_rate"),
               rate_text(stage, "fps"), rate_text(stage, "service_rate"), share_text(stage, "utilisation"),
               lag_text(stage), count_text(stage, "partitions"), count_text(stage, "acked"),
               any_cell(stage, "filtered", own.filtered, Tone::plain), warn_if_any(stage, "dropped", own.dropped),
               bad_if_any(stage, "dead", own.dead), bad_if_any(stage, "expired", own.expired),
               oldest && *oldest >= 0 ? fmt::format("{:.0f} ms", *oldest) : "-"});
  }
  return table.empty() ? "" : table.render(view.style, view.width) + size_reasons(stages, job, view);
}

std::string render_workers(const Json& workers, const std::string& job, const ViewOptions& view) {
  Table table({{"WORKER"},
               {"KIND"},
               {"NODE"},
               {"STATE"},
               {"WORKS ON"},
               {"PARTITIONS", Align::right},
               {"FPS", Align::right},
               {"BUSY", Align::right},
               {"CPU", Align::right},
               {"MEMORY", Align::right},
               {"PID", Align::right}});
  std::int64_t folded = 0;
  for (const Json* one : workers_to_show(workers, view, folded)) {
    const Json& worker = *one;
    const std::string state = text_of(worker, "state", "live");
    const bool agent = text_of(worker, "kind") == "agent";
    if (!job.empty() && (agent || (text_of(worker, "job") != job && !text_of(worker, "job").empty()))) continue;
    if (!job.empty() && state != "live") continue;
    const auto busy = number_of(worker, "busy_fraction");
    const std::string name = text_of(worker, "name", text_of(worker, "id"));
    table.add({Cell(name, Tone::bold), text_of(worker, "kind"), text_of(worker, "node"), worker_state(worker),
               work_of(worker), count_text(worker, "partitions"), rate_text(worker, "fps"),
               busy ? fmt::format("{:.0f} %", *busy * 100) : "-",
               // An agent measures its whole node.
               percent_text(worker, "cpu_percent") + (agent && number_of(worker, "cpu_percent") ? " (node)" : ""),
               bytes_text(worker, "rss_bytes"), count_text(worker, "pid")});
  }
  if (table.empty()) return "";
  if (folded == 0 || !job.empty()) return table.render(view.style, view.width);
  return table.render(view.style, view.width) +
         view.style.paint(counted(folded, "more that was lost or has ended", "more that were lost or have ended") +
                              " ('ride status --all' shows them)",
                          Tone::dim) +
         "\n";
}

std::string render_nodes(const Json& nodes, const ViewOptions& view) {
  Table table({{"NODE"},
               {"AGENT"},
               {"WORKERS", Align::right},
               {"CORES", Align::right},
               {"CPU", Align::right},
               {"MEMORY", Align::right},
               {"AVAILABLE", Align::right},
               {"GPU"}});
  for (const Json& node : list_of(nodes, "nodes")) {
    const auto workers = node.is_object() && node.contains("workers") && node["workers"].is_array()
                             ? static_cast<std::int64_t>(node["workers"].size())
                             : count_of(node, "workers");
    table.add({Cell(text_of(node, "node"), Tone::bold), text_of(node, "agent", "-"), fmt::format("{}", workers),
               rate_text(node, "cores"), percent_text(node, "cpu_percent"), bytes_text(node, "memory_bytes"),
               bytes_text(node, "memory_available"), gpu_text(node)});
  }
  return table.empty() ? "" : table.render(view.style, view.width) + render_overloads(nodes, view);
}

std::string render_overloads(const Json& nodes, const ViewOptions& view) {
  std::string text;
  for (const Json& node : list_of(nodes, "nodes"))
    if (const auto late = number_of(node, "late_ms"))
      text += view.style.paint(
                  fmt::format("node {} is overloaded: heartbeats come {:.0f} ms late", text_of(node, "node"), *late),
                  Tone::warning) +
              "\n";
  return text;
}

bool concerns(const Json& event, const std::string& job) {
  const std::string of = text_of(event, "job"), code = text_of(event, "code");
  return of == job || (of.empty() && (code == "overloaded" || code == "overload_over" || code == "many_silent"));
}

std::string render_event(const Json& event, const ViewOptions& view) {
  const std::string severity = text_of(event, "severity", "info");
  const Tone tone = severity == "error" ? Tone::bad : severity == "warning" ? Tone::warning : Tone::dim;
  std::string where = text_of(event, "job");
  const std::string stage = text_of(event, "stage"), text = text_of(event, "text"), from = text_of(event, "from");
  if (!stage.empty() && !names_its_part(text, stage)) where += "/" + stage;
  const std::string at = text_of(event, "at");
  return fmt::format("{} {} {}{}", view.style.paint(at.size() > 19 ? at.substr(0, 19) + "Z" : at, Tone::dim),
                     view.style.paint(fmt::format("{:<7}", severity), tone), where.empty() ? "" : where + ": ",
                     redact(text) + (from.empty() ? "" : " (" + from.substr(0, from.find('#')) + ")"));
}

std::string render_job_head(const Json& job, const ViewOptions& view) {
  const std::string phase = text_of(job, "phase");
  std::string line = fmt::format("{}, run {}: {}", view.style.paint(text_of(job, "job"), Tone::bold),
                                 count_of(job, "run"), view.style.paint(phase, tone_of_phase(phase)));
  // Why it runs needs no words.
  if (const auto reason = text_of(job, "reason"); !reason.empty() && phase != "running")
    line += fmt::format(" ({})", redact(reason));
  if (const auto submitted = time_of(job, "submitted_at"))
    line += fmt::format(", submitted {} ago", format_age(*submitted, view.now));
  if (const auto next = count_of(job, "next_run"); next > 0) line += fmt::format(", run {} follows", next);
  if (const auto priority = count_of(job, "priority"); priority != 0) line += fmt::format(", priority {}", priority);
  line += fmt::format(", {} in, {} out", counted(count_of(job, "frames_in"), "frame"), count_of(job, "frames_out"));
  if (const auto progress = number_of(job, "progress")) line += fmt::format(", {:.0f} % done", *progress * 100);
  return line + "\n";
}

std::string render_line(const Json& job, const Json& sources, const Json& stages, const std::string& name) {
  std::string line = fmt::format("{} {}", name, text_of(job, "phase"));
  for (const Json& source : list_of(sources, "sources")) {
    if (!belongs(source, name)) continue;
    line += fmt::format(" | {} {}, {} fps, {} frame{}", text_of(source, "source"), connection(source).text,
                        rate_text(source, "fps"), frames_text(source), frames_text(source) == "1" ? "" : "s");
    line += source_losses_text(source);
    if (!text_of(source, "error").empty()) line += ", " + redact(text_of(source, "error"));
  }
  for (const Json& stage : list_of(stages, "stages")) {
    if (!belongs(stage, name)) continue;
    const auto lag = number_of(stage, "lag");
    line += fmt::format(" | {} {} fps, {} acked, lag {}", text_of(stage, "stage"), rate_text(stage, "fps"),
                        count_of(stage, "acked"), lag ? fmt::format("{:.0f}", *lag) : "-");
    const auto own = losses_of(stage, stages, sources);
    if (own.dropped > 0) line += fmt::format(", {} dropped", own.dropped);
    if (own.dead > 0) line += fmt::format(", {} dead", own.dead);
  }
  return line;
}

}  // namespace ride::cli
