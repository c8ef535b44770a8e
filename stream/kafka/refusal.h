// Brokers that answer, but refuse the client: a wrong password, a certificate that does not fit, TLS where none is
// spoken. librdkafka tries again for ever and lets every call time out; here its errors are kept, so that people see
// them. A single broken connection may look the same (a broker killed in its handshake): what counts is that nothing
// else follows. Internal to stream/kafka. Threads: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "stream/kafka/handle.h"

namespace ride::kafka {

// Called from the client's error callback.
void note_connection_error(rd_kafka_t* client, rd_kafka_resp_err_t code, const char* reason);
void forget_connection_errors(rd_kafka_t* client);

// permission, not retriable: the brokers have refused this client for a second, and two questions in a row got no
// answer (asks one, up to a second). Nothing in all other cases; costs nothing while no connection was refused. Between
// two polls.
std::optional<Error> refused(rd_kafka_t* client);

// Waits for a first answer of any broker. permission: all refuse the client, or one speaks TLS with a client that does
// not (of which librdkafka says nothing), known within about two seconds; unavailable (retriable): nobody answers
// within `timeout`.
Result<void> reach(const Client& client, const std::string& brokers, std::chrono::milliseconds timeout);

// Why questions about the group stay without an answer, if that is because this user may not ask: librdkafka only lets
// them time out. Another client of the same settings asks for the group's coordinator, up to two seconds, since every
// consumer is given its refusal once. Not with the admin requests about groups: where the coordinator goes away
// meanwhile, librdkafka aborts the process (librdkafka issues 3663, 4605). Nothing where it is something else.
std::optional<Error> group_refused(rd_kafka_t* client, const std::string& group);

}  // namespace ride::kafka
