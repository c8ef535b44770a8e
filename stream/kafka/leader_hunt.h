// Looks for the new leaders while a broker is away. librdkafka 2.0.2 asks once when a connection breaks, at which time
// the dead broker still leads, and then only in a scan every second or with the periodic refresh: of a gap of 2.4 s
// after a killed broker, 1.0 to 1.6 s were that. A hunt asks ten times a second for some seconds; nobody asks when
// nothing is wrong. Internal to stream/kafka. Owner: the client's deleter ends it. Threads: any may begin one; each
// client that ever hunted has one thread, which sleeps between hunts. Failure: a hunt that finds nothing leaves
// librdkafka's own ways.
#pragma once

#include <librdkafka/rdkafka.h>

namespace ride::kafka {

// An error that the client's error callback was given. Begins or prolongs a hunt if it says that a broker is away.
void hunt_for_leaders(rd_kafka_t* client, rd_kafka_resp_err_t error);

// Before rd_kafka_destroy: returns when the hunt no longer uses the client (at most kAnswer later).
void end_hunt(rd_kafka_t* client);

}  // namespace ride::kafka
