// A SourceRunner on the in-memory log, with the job around it.
#pragma once

#include <gtest/gtest.h>

#include "memory_access.h"
#include "producer/source_runner.h"

namespace ride::producer {

class SourceRunnerTest : public testing::Test {
 protected:
  SourceRunnerTest() { (void)log_->admin()->create({.name = "frames", .partitions = kPartitions}); }

  stream::SourceSpec synthetic(std::int64_t frames) {
    return {.name = "src",
            .kind = "synthetic",
            .unpaced = true,
            .finite = frames > 0,
            .params = {{"width", std::int64_t{16}},
                       {"height", std::int64_t{8}},
                       {"channels", std::int64_t{1}},
                       {"frames", frames},
                       {"seed", std::int64_t{1}},
                       {"scene", std::string("moving")}}};
  }
  stream::SourceSpec directory(const std::string& path) {
    return {.name = "src", .kind = "directory", .uri = path, .unpaced = true, .max_pixels = 10'000, .finite = true};
  }

  std::unique_ptr<SourceRunner> start(stream::SourceSpec spec, std::int64_t session = 1) {
    return start_on(access_, std::move(spec), session);
  }
  std::unique_ptr<SourceRunner> start_on(LogAccess& access, stream::SourceSpec spec, std::int64_t session) {
    spec.outputs = outputs_;
    auto job = std::make_shared<stream::JobSpec>();
    job->job = JobName{"job"};
    job->run = RunNumber{1};
    job->prefix = "p";
    job->sources = {spec};
    job->stages = {{.name = "stage", .topic = "frames", .partitions = kPartitions, .group_id = "group"}};
    RunnerServices services{.log = access,
                            .budget = budget_,
                            .incarnation = "p#" + std::to_string(++incarnations_),
                            .environment = environment_,
                            .notify =
                                [this](stream::Severity, const std::string& code, const std::string& text, bool fatal) {
                                  const std::lock_guard lock(mutex_);
                                  notices_.push_back(code + (fatal ? "!" : "") + ": " + text);
                                },
                            .finish_limit = finish_limit_,
                            .changed = [] {}};
    return std::make_unique<SourceRunner>(
        Assignment{.job = job, .session = SessionId{session}, .struck = struck_, .before = before_}, "src",
        std::move(services));
  }
  Taken taken() { return read_topic(*log_, "frames", kPartitions, "src"); }
  std::vector<std::string> notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }
  static bool ended(const SourceRunner& runner) {
    return eventually([&] { return runner.progress().ended; });
  }
  static void expect_each_once(const Taken& taken, std::int64_t total) {
    EXPECT_EQ(taken.pictures.size() + taken.dropped.size(), static_cast<std::size_t>(total));
    for (std::int64_t n = 0; n < total; ++n) {
      EXPECT_EQ(taken.pictures.contains(n) + taken.dropped.contains(n), 1) << "number " << n;
    }
    for (const auto& [number, times] : taken.pictures) EXPECT_EQ(times, 1) << "number " << number;
  }

  static constexpr int kPartitions = 3;
  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  MemoryAccess access_{log_};
  SharedBudget budget_{1 << 20};
  std::mutex mutex_;
  std::vector<std::string> notices_;
  Environment environment_ = environment_of({});
  StruckItems struck_;
  stream::SourceBefore before_;
  int incarnations_ = 0;
  std::chrono::milliseconds finish_limit_{5000};
  std::vector<stream::OutputSpec> outputs_{{.to = "stage", .topic = "frames", .partitions = kPartitions}};
};

}  // namespace ride::producer
