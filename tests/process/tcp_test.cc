// Who speaks TLS: only who answers the beginning of a TLS connection with TLS. A broker that goes away looks otherwise.
#include "process/tcp.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "tests/support/loopback_listener.h"

namespace ride::process {
namespace {

using std::chrono::milliseconds;

// What speaks_tls() makes of one who takes the connection, reads its beginning, says this, and closes.
bool taken_for_tls(const std::string& answer) {
  const test::LoopbackListener listener;
  std::string heard(64, '\0');
  std::jthread other([&] {
    const int connection = listener.accept();
    heard.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::recv(connection, heard.data(), heard.size(), 0))));
    (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(connection);
  });
  const bool tls = speaks_tls("127.0.0.1", listener.port(), milliseconds(10'000));
  other.join();
  EXPECT_EQ(heard.substr(0, 3), std::string("\x16\x03\x01")) << "a handshake of TLS";
  EXPECT_EQ(heard.size(), 5U + static_cast<unsigned char>(heard.at(4))) << "as long as it says";
  return tls;
}

TEST(SpeaksTls, WhoAnswersWithTls) {
  EXPECT_TRUE(taken_for_tls(std::string("\x16\x03\x03\x00\x31", 5))) << "a ServerHello";
  EXPECT_TRUE(taken_for_tls(std::string("\x15\x03\x03\x00\x02\x02\x28", 7))) << "an alert";
}

TEST(SpeaksTls, NotWhoClosesOrSaysSomethingElse) {
  EXPECT_FALSE(taken_for_tls("")) << "a broker that was killed, or a proxy without one";
  EXPECT_FALSE(taken_for_tls("\x16")) << "cut off";
  EXPECT_FALSE(taken_for_tls("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_FALSE(speaks_tls("127.0.0.1", 1, milliseconds(1000))) << "nothing listens there";
}

}  // namespace
}  // namespace ride::process
