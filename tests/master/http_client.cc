#include "tests/master/http_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ride::master::test {

namespace {

int connect_to(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{20, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return socket;
  ::close(socket);
  return -1;
}

void send_all(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

HeldConnection::HeldConnection(int port, const std::string& bytes) : socket_(connect_to(port)) {
  if (socket_ >= 0) send_all(socket_, bytes);
}
void HeldConnection::send(const std::string& more) {
  if (socket_ >= 0) send_all(socket_, more);
}
bool HeldConnection::is_closed() const {
  pollfd one{socket_, POLLRDHUP, 0};
  return ::poll(&one, 1, 0) != 0;
}
HeldConnection::~HeldConnection() {
  if (socket_ >= 0) ::close(socket_);
}

std::string HttpClient::raw(const std::string& bytes, bool close_half) const {
  const int socket = connect_to(port_);
  std::string answer;
  if (socket >= 0) {
    send_all(socket, bytes);
    if (close_half) ::shutdown(socket, SHUT_WR);
    char buffer[4096];
    for (ssize_t count = 0; (count = ::recv(socket, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(count));
    ::close(socket);
  }
  return answer;
}

Answer HttpClient::send(const std::string& method, const std::string& path, const std::string& body,
                        const std::string& content_type) const {
  auto request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!body.empty() || method == "POST")
    request += "Content-Type: " + content_type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  const auto text = raw(request + "\r\n" + body, false);
  Answer answer;
  if (text.size() < 12 || !text.starts_with("HTTP/1.1 ")) return answer;
  answer.status = std::stoi(text.substr(9, 3));
  const auto end = text.find("\r\n\r\n");
  if (end != std::string::npos) answer.body = text.substr(end + 4);
  const std::string name = "Content-Type: ";
  if (const auto type = text.find(name); type < end)
    answer.content_type = text.substr(type + name.size(), text.find("\r\n", type) - type - name.size());
  return answer;
}

}  // namespace ride::master::test
