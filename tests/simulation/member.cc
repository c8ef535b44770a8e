#include "tests/simulation/member.h"

namespace ride::simulation {

namespace {

constexpr std::chrono::milliseconds kInterval{100};
constexpr Time kAnswersWithin{1'000'000};
constexpr Time kNewClientAfter{200'000};
constexpr Time kMayBreakAfter{500'000};
const Error kSilence{ErrorCode::timeout, "no answer", true};

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
      reports_line_(*around.kafka.find(kReports)),
      flow_(kInterval, clock_of(around.clock).now()),
      feed_(
          around, host, kDecisions, 0, [this](const Stored& stored) { handle(stored); },
          [this] {
            if (caught_up()) callbacks_.act();
          },
          [this] { standing_.restart(); }) {
  make_writer();
  host_.later(Time(host.random().between(1'000, 100'000)), [this] { beat(); });
}

void Member::handle(const Stored& stored) {
  if (standing_.counts(*stored.content->decision)) callbacks_.apply(*stored.content->decision);
}

void Member::make_writer() {
  reports_ =
      std::make_unique<Writer>(around_.clock, around_.kafka, host_, Writer::Options{}, [this] { reports_->serve({}); });
  on_the_way_ = 0;
}

void Member::post(stream::ReportBody body) {
  flow_.post(std::move(body));
  serve();
}

void Member::beat() {
  host_.later(kInterval, [this] { beat(); });
  serve();
}

void Member::serve() {
  if (host_.deaf() || standing_.log().empty()) return;
  const auto batch = flow_.take(clock_of(around_.clock).now());
  if (!batch) return;
  on_the_way_ = batch->posted.size() + (batch->beats ? 1 : 0);
  for (const auto& body : batch->posted) send(body);
  if (batch->beats) {
    auto beat = offer_;
    beat.at = around_.clock.wall();
    callbacks_.fill(beat);
    send(std::move(beat));
  }
  host_.later(kAnswersWithin, [this, batch = ++batches_] {
    if (batch != batches_ || flow_.step() != stream::ReportFlow::Step::sent) return;
    if (host_.random().one_in(4)) return break_writer();
    flow_.wrote(kSilence);
    host_.later(kMayBreakAfter, [this, batch] {
      if (batch == batches_ && flow_.step() == stream::ReportFlow::Step::settle && host_.random().one_in(2))
        break_writer();
    });
  });
}

void Member::break_writer() {
  ++around_.fired["a member's writer broke"];
  const Error broken{ErrorCode::unavailable, "the producer is in a bad state", false};
  flow_.wrote(broken);  // whichever it waits for
  flow_.settled(broken);
  reports_.reset();
  host_.later(kNewClientAfter, [this] {
    make_writer();
    flow_.writer_made();
    serve();
  });
}

void Member::send(stream::ReportBody body) {
  auto content = std::make_shared<Content>();
  content->report = std::make_shared<const stream::Report>(stream::Report{standing_.log(), std::move(body)});
  reports_->post(reports_line_, std::move(content), [this](const Result<Offset>&) { acknowledged(); });
}

void Member::acknowledged() {
  if (--on_the_way_ > 0) return;
  if (flow_.step() == stream::ReportFlow::Step::sent) {
    flow_.wrote({});
  } else {
    flow_.settled({});
  }
  serve();
}

}  // namespace ride::simulation
