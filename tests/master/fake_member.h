// A worker or producer that does nothing but its part of the control protocol, over real Kafka: it beats, follows the
// decisions that concern it, and reports what a test asks it to.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "stream/member.h"

namespace ride::master::test {

class FakeMember {
 public:
  FakeMember(const kafka::ClientConfig& kafka, const std::string& prefix, const std::string& name,
             stream::ProcessKind kind = stream::ProcessKind::worker, const std::string& node = "n1");
  ~FakeMember();  // falls silent, without a word

  const WorkerId& id() const { return member_->id(); }
  void leave() { member_->leave("test"); }
  // All that it owns has ended, with so many frames ACKed in each partition.
  void end_all(std::int64_t acked);
  void hand_back(bool yes) { hands_back_ = yes; }
  std::set<PartitionId> owned() const;
  std::map<std::string, SessionId> sources() const;  // that it feeds
  void post(stream::ReportBody report) { member_->post(std::move(report)); }

 private:
  void follow();
  void fill(stream::Heartbeat& beat);
  void apply(const stream::Decision& decision);

  mutable std::mutex mutex_;
  stream::JoinGroup group_;
  std::map<PartitionId, Epoch> owned_;
  std::map<std::string, stream::AssignSource> sources_;
  bool ended_ = false;
  std::int64_t acked_ = 0;
  std::atomic<bool> hands_back_ = true;
  std::atomic<bool> stop_ = false;
  std::unique_ptr<stream::Member> member_;
  std::thread thread_;
};

}  // namespace ride::master::test
