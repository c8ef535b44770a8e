// Member: a process's part in the control context, as stream/member.h has it over Kafka: reads the decisions that
// count, sends a heartbeat every interval when the last one is acknowledged, and other reports in order. Owner: one
// program. Its `take` and `act` run on the program's own turn.
#pragma once

#include <functional>
#include <memory>

#include "stream/core/leader_filter.h"
#include "tests/simulation/control_feed.h"
#include "tests/simulation/writer.h"

namespace ride::simulation {

// What a process of this kind says of itself.
stream::Heartbeat offer_of(const WorkerId& id, stream::ProcessKind kind, const NodeName& node);

class Member {
 public:
  struct Callbacks {
    std::function<void(const stream::Decision&)> apply;  // each decision that counts
    std::function<void()> act;                           // all that was there is taken
    std::function<void(stream::Heartbeat&)> fill;
  };
  Member(Surroundings& around, Host& host, stream::Heartbeat offer, Callbacks callbacks);

  const WorkerId& id() const { return offer_.id; }
  bool caught_up() const { return feed_.caught_up() && !standing_.log().empty(); }
  void post(stream::ReportBody body);
  void look() { feed_.look(); }
  std::int64_t position() const { return feed_.position(); }  // in the decisions log

 private:
  void handle(const Stored& stored);
  void beat();

  Surroundings& around_;
  Host& host_;
  stream::Heartbeat offer_;
  Callbacks callbacks_;
  stream::LeaderFilter standing_;
  Writer reports_;
  Line& reports_line_;
  bool beating_ = false;
  ControlFeed feed_;
};

}  // namespace ride::simulation
