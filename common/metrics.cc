#include "common/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>

#include "common/check.h"

namespace ride {

struct Metrics::Inside {
  struct Entry {
    MetricDecl decl;
    prometheus::Family<prometheus::Counter>* counters = nullptr;
    prometheus::Family<prometheus::Gauge>* gauges = nullptr;
    prometheus::Family<prometheus::Histogram>* histograms = nullptr;
    std::map<Labels, prometheus::Counter*> counter;
    std::map<Labels, prometheus::Gauge*> gauge;
    std::map<Labels, prometheus::Histogram*> histogram;
  };

  Entry& entry(const std::string& name, MetricType type, const Labels& labels) {
    const auto found = entries.find(name);
    RIDE_CHECK(found != entries.end(), "metric " + name + " is not in the table");
    RIDE_CHECK(found->second.decl.type == type, "metric " + name + " is of another type");
    RIDE_CHECK(found->second.decl.labels.size() == labels.size(), "metric " + name + " has other labels");
    return found->second;
  }

  static prometheus::Labels named(const Entry& entry, const Labels& values) {
    prometheus::Labels labels;
    for (std::size_t i = 0; i < values.size(); ++i) labels[entry.decl.labels[i]] = values[i];
    return labels;
  }

  prometheus::Counter& counter(const std::string& name, const Labels& labels) {
    auto& one = entry(name, MetricType::counter, labels);
    auto& value = one.counter[labels];
    if (value == nullptr) value = &one.counters->Add(named(one, labels));
    return *value;
  }

  prometheus::Gauge& gauge(const std::string& name, const Labels& labels) {
    auto& one = entry(name, MetricType::gauge, labels);
    auto& value = one.gauge[labels];
    if (value == nullptr) value = &one.gauges->Add(named(one, labels));
    return *value;
  }

  std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, Entry> entries;
};

Metrics::Metrics(const MetricsTable& table) : inside_(std::make_unique<Inside>()) {
  const auto fault = find_fault(table);
  RIDE_CHECK(!fault, *fault);
  for (const auto& decl : table) {
    auto& entry = inside_->entries[decl.name];
    entry.decl = decl;
    switch (decl.type) {
      case MetricType::counter:
        entry.counters = &prometheus::BuildCounter().Name(decl.name).Help(decl.help).Register(inside_->registry);
        break;
      case MetricType::gauge:
        entry.gauges = &prometheus::BuildGauge().Name(decl.name).Help(decl.help).Register(inside_->registry);
        break;
      case MetricType::histogram:
        entry.histograms = &prometheus::BuildHistogram().Name(decl.name).Help(decl.help).Register(inside_->registry);
        break;
    }
  }
}

Metrics::~Metrics() = default;

void Metrics::set(const std::string& gauge, const Labels& labels, double value) {
  const std::lock_guard lock(inside_->mutex);
  inside_->gauge(gauge, labels).Set(value);
}

void Metrics::add(const std::string& counter, const Labels& labels, double more) {
  const std::lock_guard lock(inside_->mutex);
  inside_->counter(counter, labels).Increment(more);
}

void Metrics::observe(const std::string& histogram, const Labels& labels, double value) {
  const std::lock_guard lock(inside_->mutex);
  auto& one = inside_->entry(histogram, MetricType::histogram, labels);
  auto& cell = one.histogram[labels];
  if (cell == nullptr) cell = &one.histograms->Add(Inside::named(one, labels), one.decl.buckets);
  cell->Observe(value);
}

void Metrics::replace(const std::string& name, const std::map<Labels, double>& values) {
  const std::lock_guard lock(inside_->mutex);
  const auto found = inside_->entries.find(name);
  RIDE_CHECK(found != inside_->entries.end(), "metric " + name + " is not in the table");
  auto& entry = found->second;
  std::erase_if(entry.gauge, [&](const auto& old) {
    if (values.contains(old.first)) return false;
    entry.gauges->Remove(old.second);
    return true;
  });
  std::erase_if(entry.counter, [&](const auto& old) {
    if (values.contains(old.first)) return false;
    entry.counters->Remove(old.second);
    return true;
  });
  for (const auto& [labels, value] : values) {
    if (entry.decl.type == MetricType::gauge) {
      inside_->gauge(name, labels).Set(value);
      continue;
    }
    auto& counter = inside_->counter(name, labels);
    if (value > counter.Value()) counter.Increment(value - counter.Value());
  }
}

std::string Metrics::text() const {
  const std::lock_guard lock(inside_->mutex);
  return prometheus::TextSerializer().Serialize(inside_->registry.Collect());
}

}  // namespace ride
