#include "tests/simulation/writer.h"

#include <algorithm>

namespace ride::simulation {

namespace {

constexpr std::size_t kInFlight = 5;
constexpr Time kRetryAfter{60'000};
constexpr Time kAnswerWithin{300'000};

}  // namespace

struct Writer::State : std::enable_shared_from_this<Writer::State> {
  State(Scheduler& clock_in, Kafka& kafka_in, Host& host_in, Options options_in, std::function<void()> delivered_in)
      : clock(clock_in),
        kafka(kafka_in),
        host(host_in),
        options(options_in),
        delivered(std::move(delivered_in)),
        producer(kafka.new_producer()) {}

  Lane& lane(Line& line) {
    auto& lane = lanes[&line];
    lane.line = &line;
    return lane;
  }

  void add(Lane& lane, ContentPtr content, Delivered done) {
    lane.flights.push_back({lane.next_sequence++, std::move(content), std::move(done)});
    transmit(lane);
  }

  void transmit(Lane& lane) {
    const std::size_t most = lane.first.must_wait() ? 1 : kInFlight;
    while (lane.sent < lane.flights.size() && lane.sent < most) {
      const auto& flight = lane.flights[lane.sent++];
      host.send([weak = weak_from_this(), &kafka = kafka, &host = host, line = lane.line, producer = producer,
                 sequence = flight.sequence, content = flight.content] {
        kafka.append(*line, producer, sequence, content, [weak, &host, line, sequence](bool taken) {
          host.answer(
              [weak, line, sequence, taken] {
                if (const auto self = weak.lock()) self->answered(*line, sequence, taken);
              },
              true);
        });
      });
    }
    arm(lane);
  }

  void answered(Line& line, std::int64_t sequence, bool taken) {
    auto& lane = lanes.at(&line);
    const auto flight = std::find_if(lane.flights.begin(), lane.flights.end(),
                                     [&](const Flight& one) { return one.sequence == sequence; });
    if (flight == lane.flights.end()) return;  // answered before
    if (!taken) return retry_later(lane);
    lane.progress_at = clock.now();
    lane.first.delivered();
    if (flight->done) due.push_back(std::move(flight->done));
    if (static_cast<std::size_t>(flight - lane.flights.begin()) < lane.sent) --lane.sent;
    lane.flights.erase(flight);
    transmit(lane);
    if (!due.empty()) delivered();
  }

  void retry_later(Lane& lane) {
    if (lane.retry) return;
    lane.retry = true;
    host.later(kRetryAfter, [weak = weak_from_this(), &lane] {
      const auto self = weak.lock();
      if (!self) return;
      lane.retry = false;
      self->send_again(lane);
    });
  }

  void send_again(Lane& lane) {
    lane.sent = 0;
    lane.progress_at = clock.now();
    transmit(lane);
  }

  void arm(Lane& lane) {
    if (lane.timer || lane.flights.empty()) return;
    lane.timer = true;
    lane.progress_at = clock.now();
    host.later(kAnswerWithin, [weak = weak_from_this(), &lane] {
      const auto self = weak.lock();
      if (!self) return;
      lane.timer = false;
      if (self->clock.now() - lane.progress_at >= kAnswerWithin) self->send_again(lane);
      self->arm(lane);
    });
  }

  Scheduler& clock;
  Kafka& kafka;
  Host& host;
  Options options;
  std::function<void()> delivered;
  std::int64_t producer;
  std::map<Line*, Lane> lanes;
  std::deque<Delivered> due;
};

Writer::Writer(Scheduler& clock, Kafka& kafka, Host& host, Options options, std::function<void()> delivered)
    : state_(std::make_shared<State>(clock, kafka, host, options, std::move(delivered))) {}

Result<void> Writer::send(const stream::TopicPartition& to, stream::OutRecord record, Delivered done) {
  auto* line = state_->kafka.find(to);
  if (line == nullptr) return Error{ErrorCode::not_found, "no " + to_string(to)};
  auto& lane = state_->lane(*line);
  const Error later{ErrorCode::resource_exhausted, "later", true};
  if (lane.flights.size() >= state_->options.queue) return later;
  if (state_->options.first_goes_alone) {
    if (lane.first.must_wait()) return later;
    lane.first.sent();
  }
  auto content = std::make_shared<Content>();
  content->headers = std::move(record.headers);
  content->value = record.value;
  content->owner = std::move(record.owner);
  state_->add(lane, std::move(content), std::move(done));
  return {};
}

void Writer::serve(std::chrono::milliseconds) {
  const auto state = state_;  // a callback may be our end
  while (!state->due.empty()) {
    auto done = std::move(state->due.front());
    state->due.pop_front();
    done(Offset{0});
  }
}

Result<void> Writer::flush(std::chrono::milliseconds timeout) {
  serve(timeout);
  return {};
}

void Writer::post(Line& line, ContentPtr content, Delivered done) {
  auto& lane = state_->lane(line);
  if (lane.flights.empty()) lane.first.sent();
  state_->add(lane, std::move(content), std::move(done));
}

}  // namespace ride::simulation
