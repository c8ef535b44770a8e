#include "common/metrics_page.h"

#include <httplib.h>
#include <spdlog/fmt/fmt.h>

#include <thread>

namespace ride {
namespace {

class HttpPage : public MetricsPage {
 public:
  ~HttpPage() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> open(const std::string& host, int port, std::function<std::string()> text) {
    // The library's own options let several processes share a port (SO_REUSEPORT): a taken one would go unnoticed.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.new_task_queue = [] { return new httplib::ThreadPool(2); };
    server_.Get("/metrics", [text = std::move(text)](const httplib::Request&, httplib::Response& response) {
      response.set_content(text(), "text/plain; version=0.0.4");
    });
    const int bound = port == 0 ? server_.bind_to_any_port(host) : server_.bind_to_port(host, port) ? port : -1;
    if (bound < 0) {
      return Error{
          ErrorCode::unavailable,
          fmt::format("--metrics {}:{}: the port is taken, or the host is not of this machine; 0 takes a free port",
                      host, port),
          false};
    }
    address_ = fmt::format("{}:{}", host, bound);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // stop() before that is lost
    return {};
  }

  const std::string& address() const override { return address_; }

 private:
  httplib::Server server_;
  std::string address_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<MetricsPage>> serve_metrics(const std::string& at, std::function<std::string()> text) {
  const std::size_t colon = at.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : at.substr(colon + 1);
  const bool number =
      !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!number || colon == 0 || std::stoi(digits) > 65535) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("--metrics '{}' is not host:port, for example 127.0.0.1:9100; port 0 takes a free one", at), false};
  }
  auto page = std::make_unique<HttpPage>();
  if (auto opened = page->open(at.substr(0, colon), std::stoi(digits), std::move(text)); !opened) return opened.error();
  return std::unique_ptr<MetricsPage>(std::move(page));
}

}  // namespace ride
