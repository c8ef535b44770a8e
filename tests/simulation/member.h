// Member: a process's part in the control plane, as stream/member.h has it over Kafka: reads the decisions that count;
// sends what the product's ReportFlow says, over a writer whose acknowledgements are late now and then, and that
// breaks. Owner: one program. Its `take` and `act` run on the program's own turn.
#pragma once

#include <functional>
#include <memory>

#include "stream/core/leader_filter.h"
#include "stream/core/report_flow.h"
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
  void serve();
  void send(stream::ReportBody body);
  void acknowledged();
  void make_writer();
  void break_writer();

  Surroundings& around_;
  Host& host_;
  stream::Heartbeat offer_;
  Callbacks callbacks_;
  stream::LeaderFilter standing_;
  Line& reports_line_;
  stream::ReportFlow flow_;
  std::unique_ptr<Writer> reports_;
  std::size_t on_the_way_ = 0;  // records without an acknowledgement
  std::int64_t batches_ = 0;
  ControlFeed feed_;
};

}  // namespace ride::simulation
