// Cow: a value that is copied when it is changed while others look at it. Makes the copy of a big state cheap: only
// what a decision touches is cloned. Threads: one; all copies belong to the same thread.
#pragma once

#include <memory>
#include <utility>

namespace ride::master {

template <class T>
class Cow {
 public:
  Cow() : value_(std::make_shared<T>()) {}
  explicit Cow(T value) : value_(std::make_shared<T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  bool operator==(const Cow& other) const { return value_ == other.value_ || *value_ == *other.value_; }

  // The reference is valid until the next copy of this Cow.
  T& edit() {
    if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace ride::master
