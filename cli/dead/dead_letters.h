// Reads dead topics, and writes a frame from there back into its stage's input. Owner: one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/core/dead_view.h"
#include "stream/core/set_assembler.h"
#include "stream/kafka/client_config.h"

namespace ride::cli {

struct DeadLetter {
  DeadFrame about;
  stream::AcceptedSet set;  // the frame whole, or `refused`
  stream::Headers headers;  // of the letter's first record
};

class DeadLetters {
 public:
  explicit DeadLetters(kafka::ClientConfig config) : config_(std::move(config)) {}

  // Each dead frame of the topic once, oldest first, up to what was there at the call. `on_letter` returns false to end
  // early.
  Result<void> each(const std::string& topic, const std::function<bool(DeadLetter&&)>& on_letter) const;
  // not_found: there is no letter of that place.
  Result<DeadLetter> find(const std::string& topic, const DeadPlace& place) const;
  // Returns when the brokers have taken it. unsupported: it is no frame. permission: it lay in a topic of others.
  Result<void> replay(const DeadLetter& letter, RunNumber run, SystemTime now) const;

 private:
  kafka::ClientConfig config_;
};

}  // namespace ride::cli
