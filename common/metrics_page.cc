#include "common/metrics_page.h"

#include <spdlog/fmt/fmt.h>

#include "common/host_port.h"
#include "common/http_loop.h"

namespace ride {
namespace {

constexpr const char* kPlain = "text/plain; charset=utf-8";

HttpLimits limits_of_a_page() {
  HttpLimits limits;
  limits.body_bytes = 0;
  limits.connections = 400;
  limits.answer_bytes = 16 << 20;
  limits.workers = 2;
  return limits;
}

class HttpPage : public MetricsPage {
 public:
  HttpPage(std::unique_ptr<HttpLoop> loop, const std::string& host, std::function<std::string()> text)
      : loop_(std::move(loop)), address_(to_string(HostPort{host, loop_->port()})) {
    loop_->serve(
        {.refuse = refuse,
         .fault = [](const HttpFault& fault) { return http_response(fault.status, kPlain, fault.why + "\n", true); },
         .is_quick = [](const HttpHead&) { return false; },
         .answer =
             [text = std::move(text)](const HttpRequest& request, bool close) {
               return http_response(200, "text/plain; version=0.0.4", text(), close, {}, request.head.method == "GET");
             }});
  }

  const std::string& address() const override { return address_; }

 private:
  static std::optional<std::string> refuse(const HttpHead& head) {
    if (head.path() != "/metrics") return http_response(404, kPlain, "only /metrics is served here\n", true);
    if (head.method == "GET" || head.method == "HEAD") return std::nullopt;
    return http_response(405, kPlain, "only GET is served here\n", true, {{"Allow", "GET, HEAD"}});
  }

  std::unique_ptr<HttpLoop> loop_;
  std::string address_;
};

}  // namespace

Result<std::unique_ptr<MetricsPage>> serve_metrics(const std::string& at, std::function<std::string()> text) {
  const auto address = parse_host_port(at);
  if (!address || address->host.empty()) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("--metrics '{}' is not host:port, for example 127.0.0.1:9100; port 0 takes a free one", at), false};
  }
  auto loop = HttpLoop::listen(address->host, address->port, limits_of_a_page());
  if (!loop.ok()) {
    return Error{ErrorCode::unavailable,
                 fmt::format("--metrics {}: the port is taken, or the host is not an address of this machine ({}); "
                             "0 takes a free port",
                             at, loop.error().message),
                 false};
  }
  return std::unique_ptr<MetricsPage>(
      std::make_unique<HttpPage>(std::move(loop).value(), address->host, std::move(text)));
}

}  // namespace ride
