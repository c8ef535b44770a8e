#include "producer/producer_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/metrics_page.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

TEST(ProducerMetrics, TheTableKeepsTheNamingRules) { EXPECT_EQ(find_fault(producer_metrics()), std::nullopt); }

TEST(ProducerMetrics, ShowWhatEverySourceDid) {
  const std::string text = metrics_text({{.job = JobName{"street"},
                                          .source = "gate",
                                          .connected = true,
                                          .frames = 41,
                                          .dropped = 3,
                                          .rejected = 2,
                                          .gaps = 1,
                                          .longest_gap_ms = 2500}},
                                        4096);
  for (const char* line :
       {"ride_producer_sent_frames_total{job=\"street\",source=\"gate\"} 41",
        "ride_producer_dropped_frames_total{job=\"street\",source=\"gate\"} 3",
        "ride_producer_rejected_items_total{job=\"street\",source=\"gate\"} 2",
        "ride_producer_longest_gap_seconds{job=\"street\",source=\"gate\"} 2.5",
        "ride_producer_connected_state{job=\"street\",source=\"gate\"} 1", "ride_producer_buffered_bytes 4096"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ProducerMetrics, AnAddressThatCannotBeServedIsRefusedWithTheFix) {
  const auto message = [](const std::string& at) {
    auto page = serve_metrics(at, [] { return std::string(); });
    return page.ok() ? "served" : page.error().message;
  };
  for (const char* wrong : {"", "9100", "localhost:", "localhost:x", ":9100", "localhost:70000"}) {
    EXPECT_THAT(message(wrong), HasSubstr("is not host:port, for example 127.0.0.1:9100")) << wrong;
  }
  auto first = serve_metrics("127.0.0.1:0", [] { return std::string(); });
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_THAT(message((*first)->address()), HasSubstr("the port is taken"));
}

}  // namespace
}  // namespace ride::producer
