// FirstRecord: how far one incarnation has come in one partition that it writes into. A leader that holds no state of
// an idempotent producer takes any sequence number from it, so the first record goes alone, until it is acknowledged
// (decision 0006). Pure; one for each writer and partition.
#pragma once

namespace ride::stream {

class FirstRecord {
 public:
  bool must_wait() const { return state_ == State::in_flight; }  // before another record may be handed over
  void sent() {
    if (state_ == State::fresh) state_ = State::in_flight;
  }
  void delivered() { state_ = State::established; }

 private:
  enum class State { fresh, in_flight, established };
  State state_ = State::fresh;
};

}  // namespace ride::stream
