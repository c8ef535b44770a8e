// TopicManifest: the ItemManifest of a run's source, in a topic of its own, "<prefix>.<job>.<run>.<source>.manifest",
// one partition. Records: names, some thousand each, joined by NUL (a file's name may be any bytes but that), with the
// headers `ride_manifest: names`, `by` (the writing incarnation) and `begin` (number of the first); then
// `ride_manifest: end` with `count`. The first manifest that is complete counts, whoever wrote it: a start that was
// killed in between, or a second producer, changes nothing. Behind it `ride_manifest: rejected` with `number`; the
// value is the cause.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "producer/item_manifest.h"
#include "producer/log_access.h"
#include "stream/spec.h"

namespace ride::producer {

class TopicManifest : public ItemManifest {
 public:
  TopicManifest(LogAccess& log, std::string topic, std::string incarnation);

  Result<std::vector<std::string>> items(const List& list) override;
  Result<bool> reject(std::int64_t number, const std::string& cause) override;
  const std::set<std::int64_t>& rejected() const override { return rejected_; }

 private:
  Result<void> ensure_topic();
  Result<void> read();
  Result<void> write(const std::vector<std::string>& names);
  Result<void> send(stream::RecordWriter& writer, stream::Headers headers, std::string value);
  Result<stream::RecordWriter*> opened_writer();
  void handle(const stream::Record& record);

  LogAccess& log_;
  stream::TopicPartition at_;
  std::string incarnation_;
  std::map<std::string, std::vector<std::string>> begun_;  // by writer: manifests without their end yet
  bool complete_ = false;
  std::vector<std::string> names_;
  std::set<std::int64_t> rejected_;
  OpenedWriter writer_;
};

}  // namespace ride::producer
