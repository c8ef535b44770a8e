#include "tests/simulation/member.h"

namespace ride::simulation {

namespace {

constexpr Time kInterval{100'000};

}  // namespace

stream::Heartbeat offer_of(const WorkerId& id, stream::ProcessKind kind, const NodeName& node) {
  stream::Heartbeat offer;
  offer.id = id;
  offer.kind = kind;
  offer.node = node;
  return offer;
}

Member::Member(Surroundings& around, Host& host, stream::Heartbeat offer, Callbacks callbacks)
    : around_(around),
      host_(host),
      offer_(std::move(offer)),
      callbacks_(std::move(callbacks)),
      reports_(around.clock, around.kafka, host, {}, [this] { reports_.serve({}); }),
      reports_line_(*around.kafka.find(kReports)),
      feed_(
          around, host, kDecisions, 0, [this](const Stored& stored) { handle(stored); },
          [this] {
            if (caught_up()) callbacks_.act();
          },
          [this] { standing_.restart(); }) {
  host_.later(Time(host.random().between(1'000, 100'000)), [this] { beat(); });
}

void Member::handle(const Stored& stored) {
  if (standing_.counts(*stored.content->decision)) callbacks_.apply(*stored.content->decision);
}

void Member::post(stream::ReportBody body) {
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(stream::Report{standing_.log(), std::move(body)});
  reports_.post(reports_line_, std::move(content), {});
}

void Member::beat() {
  host_.later(kInterval, [this] { beat(); });
  if (beating_ || host_.deaf() || standing_.log().empty()) return;
  beating_ = true;
  auto beat = offer_;
  beat.at = around_.clock.wall();
  callbacks_.fill(beat);
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(stream::Report{standing_.log(), std::move(beat)});
  reports_.post(reports_line_, std::move(content), [this](const Result<Offset>&) { beating_ = false; });
}

}  // namespace ride::simulation
