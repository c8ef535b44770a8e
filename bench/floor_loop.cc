// The straw man that must be no straw man: consume, filter, produce, in one loop by hand on librdkafka, with the same
// settings and the same filter as the worker, and nothing else. ride-bench-loop BROKERS IN OUT PARTITIONS KSIZE
#include <librdkafka/rdkafka.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <opencv2/core.hpp>
#include <string>

#include "worker/tasks/stddev_kernel.h"

namespace {

constexpr int kSize = 900;
volatile std::sig_atomic_t stop = 0;

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char why[256];
  if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(2);
  }
}

rd_kafka_t* make(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char why[256];
  rd_kafka_t* client = rd_kafka_new(type, conf, why, sizeof why);
  if (client == nullptr) {
    std::fprintf(stderr, "%s\n", why);
    std::exit(2);
  }
  return client;
}

rd_kafka_t* make_consumer(const char* brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  set(conf, "group.id", "bench-loop");
  set(conf, "enable.auto.commit", "false");
  set(conf, "auto.offset.reset", "error");
  set(conf, "fetch.wait.max.ms", "10");
  set(conf, "fetch.message.max.bytes", "16777216");
  set(conf, "fetch.max.bytes", "67108864");
  set(conf, "receive.message.max.bytes", "70000000");
  set(conf, "queued.max.messages.kbytes", "393216");
  set(conf, "check.crcs", "false");
  rd_kafka_t* consumer = make(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer);
  return consumer;
}

rd_kafka_t* make_producer(const char* brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers);
  set(conf, "enable.idempotence", "true");
  set(conf, "linger.ms", "0");
  set(conf, "message.max.bytes", "16777216");
  set(conf, "queue.buffering.max.kbytes", "262144");
  set(conf, "socket.nagle.disable", "true");
  return make(RD_KAFKA_PRODUCER, conf);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: ride-bench-loop BROKERS IN OUT PARTITIONS KSIZE\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stop = 1; });
  cv::setNumThreads(1);
  const int partitions = std::atoi(argv[4]);
  const int ksize = std::atoi(argv[5]);
  rd_kafka_t* consumer = make_consumer(argv[1]);
  rd_kafka_t* producer = make_producer(argv[1]);
  rd_kafka_topic_t* out_topic = rd_kafka_topic_new(producer, argv[3], nullptr);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; ++p) rd_kafka_topic_partition_list_add(list, argv[2], p)->offset = 0;
  rd_kafka_assign(consumer, list);
  rd_kafka_topic_partition_list_destroy(list);

  long done = 0;
  while (stop == 0) {
    rd_kafka_poll(producer, 0);
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 20);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && message->len == static_cast<std::size_t>(kSize) * kSize) {
      const cv::Mat in(kSize, kSize, CV_8U, message->payload);
      void* bytes = std::malloc(message->len);
      cv::Mat out(kSize, kSize, CV_8U, bytes);
      ride::tasks::local_stddev(in, out, ksize, 1);
      while (rd_kafka_producev(producer, RD_KAFKA_V_RKT(out_topic), RD_KAFKA_V_PARTITION(message->partition),
                               RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_FREE), RD_KAFKA_V_VALUE(bytes, message->len),
                               RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(producer, 10);
      if (++done % 50 == 0) rd_kafka_commit_message(consumer, message, 1);
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_flush(producer, 10000);
  rd_kafka_topic_destroy(out_topic);
  rd_kafka_destroy(producer);
  rd_kafka_destroy(consumer);
  return 0;
}
