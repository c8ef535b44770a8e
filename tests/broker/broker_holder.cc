// Starts a broker, says its process number and address, and waits to be killed: for the test of what happens then.
// Arguments: data folder, "stays" or "dies"; or "-" and "fixture" for the broker that test programs share.
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "broker-config/broker_process.h"
#include "tests/support/kafka_fixture.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (std::strcmp(argv[2], "fixture") == 0) {
    std::printf("1 %s\n", ride::test::kafka_bootstrap().value().c_str());
    std::fflush(stdout);
    pause();
  }
  ride::broker::LaunchOptions options;
  options.data = argv[1];
  options.quick_start = true;
  options.die_with_parent = std::strcmp(argv[2], "dies") == 0;
  ride::broker::BrokerProcess broker;
  if (const auto started = broker.start(options); !started.ok()) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  std::printf("%d %s\n", broker.pid(), broker.bootstrap().c_str());
  std::fflush(stdout);
  pause();
}
