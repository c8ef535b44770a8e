// Control clients: how a process takes part in the two control topics over Kafka, on a connection of its own, never
// behind frames (decision 0026). Owner: one thread each; the classes start none.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "stream/control.h"
#include "stream/kafka/client_config.h"
#include "stream/ports.h"

namespace ride::stream {

// Reads one control topic from its beginning, in order.
class ControlReader {
 public:
  struct Entry {
    Offset offset;
    SystemTime timestamp;  // when the broker took it
    std::string json;
  };
  virtual ~ControlReader() = default;
  // The next records, nothing when none came in time. Error corrupt: overtaken by truncation; begin again at the
  // snapshot.
  virtual Result<std::vector<Entry>> poll(std::chrono::milliseconds timeout) = 0;
  // True once everything that stood in the log when this reader was opened has been returned.
  virtual bool caught_up() const = 0;
  // Asks the brokers where the log ends now, and how far it was returned.
  virtual Result<Offset> ask_end() = 0;
  virtual Offset next() const = 0;
};

// Appends to one control topic; returns when the brokers have acknowledged it.
class ControlWriter {
 public:
  virtual ~ControlWriter() = default;
  virtual Result<Offset> append(const std::string& json, std::chrono::milliseconds timeout) = 0;
  // Several records in one go, in order, acknowledged together.
  virtual Result<Offset> append_all(const std::vector<std::string>& json, std::chrono::milliseconds timeout) = 0;
  // After a timeout: waits until what is still on its way has arrived (or failed for good).
  virtual Result<void> settle(std::chrono::milliseconds timeout) = 0;
};

// From the beginning, or (reports) from `tail` back in time: a reader of reports needs only the last seconds.
Result<std::unique_ptr<ControlReader>> open_control_reader(const kafka::ClientConfig& config, const std::string& topic,
                                                           std::optional<std::chrono::milliseconds> tail = {});
Result<std::unique_ptr<ControlWriter>> open_control_writer(const kafka::ClientConfig& config, const std::string& topic);

// invalid_argument: a setting of this topic would lose or refuse files (find_topic_fault). permission: this user may
// not see its settings.
Result<void> check_artifacts_topic(const kafka::ClientConfig& config, TopicAdmin& admin, const std::string& topic);

// Makes both control topics, and that of artifacts, if they are missing (replication capped at the number of brokers)
// and waits for
// __consumer_offsets, so that the first frame does not.
Result<void> ensure_control_topics(const kafka::ClientConfig& config, const std::string& prefix);

// The id of the control logs is the "log" field of the first record of ride.decisions (a claim or, behind a truncation,
// a snapshot). A master that finds the topic empty makes a new random one up with its first claim; every later record
// of both topics carries it. A member of the cluster waits for that first record before it writes anything.

}  // namespace ride::stream
