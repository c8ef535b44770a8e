// What the master knows, as text for people: tables of jobs, sources, stages, workers, nodes; events as lines. Pure:
// the master's JSON, the time and the style in, text out.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/core/table.h"
#include "common/units.h"

namespace ride::cli {

struct ViewOptions {
  Style style;
  std::size_t width = 0;  // of the terminal; 0: lines are not cut
  SystemTime now{};
  bool all = false;  // workers: lost incarnations one by one, too
};

std::string render_jobs(const nlohmann::json& jobs, const ViewOptions& view);  // "jobs": [...]
std::string render_sources(const nlohmann::json& sources, const std::string& job, const ViewOptions& view);
// `sources`: where the sources of these stages stand; null: beside them.
std::string render_stages(const nlohmann::json& stages, const std::string& job, const ViewOptions& view,
                          const nlohmann::json* sources = nullptr);
std::string render_workers(const nlohmann::json& workers, const std::string& job, const ViewOptions& view);
std::string render_nodes(const nlohmann::json& nodes, const ViewOptions& view);
// A line for each node whose heartbeats come late; render_nodes() ends with them.
std::string render_overloads(const nlohmann::json& nodes, const ViewOptions& view);
// "led by http://… (epoch 3)", and whom we asked if it was another. Empty where the master reports nothing of it.
std::string render_leader(const nlohmann::json& leader, const std::string& asked, const ViewOptions& view);
// Whether an event says something about the job: its own, and overload of the platform, which may be why frames were
// lost.
bool concerns(const nlohmann::json& event, const std::string& job);
std::string render_event(const nlohmann::json& event, const ViewOptions& view);  // one line
bool names_its_part(const std::string& text,
                    const std::string& part);  // "source pics: ..." needs no "pics: " before it
std::string render_job_head(const nlohmann::json& job, const ViewOptions& view);  // "street, run 3: running, ..."

// Without a terminal: one line that says how a job fares.
std::string render_line(const nlohmann::json& job, const nlohmann::json& sources, const nlohmann::json& stages,
                        const std::string& name);

Tone tone_of_phase(const std::string& phase);
std::string format_rate(double per_second);               // "29.9", "0.25", "1200"
std::string format_age(SystemTime then, SystemTime now);  // "0.2 s", "3 min", "never"

}  // namespace ride::cli
