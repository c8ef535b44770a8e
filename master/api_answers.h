// The API's answers: JSON, and RFC 7807 problems for what cannot be had. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "master/api.h"
#include "topology/diagnostic.h"

namespace ride::master {

ApiResponse respond(const nlohmann::json& body, int status = 200);

template <class T>
ApiResponse respond(const Result<T>& body) {
  return body.ok() ? respond(nlohmann::json(*body)) : problem_of(body.error());
}

int status_of(ErrorCode code);
nlohmann::json to_json(const std::vector<topology::Diagnostic>& diagnostics);

}  // namespace ride::master
