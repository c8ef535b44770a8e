#include "master/api_answers.h"

namespace ride::master {

using nlohmann::json;

namespace {

const char* title_of(int status) {
  switch (status) {
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
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

}  // namespace

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

ApiResponse respond(const json& body, int status) {
  // Texts come from files and processes: bytes that are no UTF-8 are shown as such, not thrown about.
  return {status, "application/json", body.dump(-1, ' ', false, json::error_handler_t::replace)};
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

ApiResponse problem(int status, const std::string& detail, const std::vector<topology::Diagnostic>& errors) {
  json body = {{"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (status == 422) body["errors"] = to_json(errors);
  return {status, "application/problem+json", body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

ApiResponse problem_of(const Error& error) { return problem(status_of(error.code), error.message); }

}  // namespace ride::master
