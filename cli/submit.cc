#include "cli/submit.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "cli/core/fields.h"
#include "stream/spec_json.h"
#include "topology/diagnostic.h"

namespace ride::cli {
namespace {

std::string rendered_errors(const Json& errors, const std::string& text, const std::string& file_name) {
  std::vector<topology::Diagnostic> diagnostics;
  for (const Json& error : errors) {
    topology::Diagnostic diagnostic;
    diagnostic.file = text_of(error, "file", file_name);
    diagnostic.line = static_cast<int>(std::max<std::int64_t>(1, count_of(error, "line")));
    diagnostic.column = static_cast<int>(std::max<std::int64_t>(1, count_of(error, "column")));
    diagnostic.length = static_cast<int>(std::max<std::int64_t>(1, count_of(error, "length")));
    diagnostic.message = text_of(error, "message");
    diagnostic.fix = text_of(error, "fix");
    if (text_of(error, "severity") == "warning") diagnostic.severity = topology::Severity::warning;
    diagnostics.push_back(std::move(diagnostic));
  }
  return topology::render(diagnostics, text);
}

Error refusal(const ApiReply& reply, const std::string& text, const std::string& file_name) {
  Error error = error_of(reply);
  const Json& errors = list_of(*reply.body, "errors");
  if (!errors.empty()) error.message = "the master refused the topology\n" + rendered_errors(errors, text, file_name);
  return error;
}

// The text alone: as every master takes it.
Result<ApiReply> hand_in_text(MasterClient& master, const std::string& path, const std::string& text,
                              const ShippedFiles& files) {
  if (!files) return master.post(path, text, "application/yaml");
  Json list = Json::array(), plugins = Json::array();
  for (const auto& file : *files) {
    Json one = file.ref;
    if (!file.declarations.empty()) {
      one["file"] = file.value;
      one["tasks"] = Json::parse(file.declarations, nullptr, false);
      plugins.push_back(std::move(one));
      continue;
    }
    one["stage"] = file.stage;
    one["param"] = file.param;
    one["value"] = file.value;
    list.push_back(std::move(one));
  }
  Json body = {{"topology", text}, {"artifacts", std::move(list)}};
  if (!plugins.empty()) body["plugins"] = std::move(plugins);
  return master.post(path, body.dump(-1, ' ', false, Json::error_handler_t::replace),
                     "application/vnd.ride.submission+json");
}

}  // namespace

Result<Submitted> submit(MasterClient& master, const std::string& text, const std::string& file_name,
                         const ShippedFiles& files, bool replace) {
  const auto path = "/jobs?name=" + url_encoded(file_name) + (replace ? "&replace=true" : "");
  RIDE_ASSIGN(const auto reply, hand_in_text(master, path, text, files));
  if (!reply.ok()) return refusal(reply, text, file_name);
  return Submitted{text_of(*reply.body, "job"), count_of(*reply.body, "run"), *reply.body};
}

Result<Json> dry_run(MasterClient& master, const std::string& text, const std::string& file_name,
                     const ShippedFiles& files) {
  RIDE_ASSIGN(const auto reply, hand_in_text(master, "/plan?name=" + url_encoded(file_name), text, files));
  if (!reply.ok()) return refusal(reply, text, file_name);
  return *reply.body;
}

}  // namespace ride::cli
