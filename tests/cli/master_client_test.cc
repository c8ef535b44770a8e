#include "cli/master_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <thread>

#include "cli/find_master.h"
#include "cli/local/job_watch.h"
#include "cli/submit.h"
#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

// A master's API, as far as a test needs it.
class FakeMaster {
 public:
  FakeMaster() {
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~FakeMaster() {
    server_.stop();
    thread_.join();
  }
  httplib::Server& server() { return server_; }
  MasterClient client() const { return std::move(*MasterClient::open("127.0.0.1:" + std::to_string(port_))); }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

TEST(MasterClient, AnAddressNeedsNoSchemeNorPathOfTheApi) {
  EXPECT_EQ(MasterClient::open("host:7800")->url(), "http://host:7800");
  EXPECT_EQ(MasterClient::open("http://host:7800/api/v1/")->url(), "http://host:7800");
  for (const char* bad : {"", "http://", "ftp://host"}) {
    const auto client = MasterClient::open(bad);
    ASSERT_FALSE(client.ok()) << bad;
    EXPECT_EQ(client.error().code, ErrorCode::invalid_argument);
  }
}

TEST(MasterClient, ShowsItsTokenWithEveryRequest) {
  FakeMaster master;
  const auto answer = [](const httplib::Request& request, httplib::Response& response) {
    const bool known = request.get_header_value("Authorization") == "Bearer 0123456789abcdef";
    response.status = known ? 200 : 401;
    response.set_content(
        known ? R"({"jobs": [], "job": "a"})" : R"({"title": "Unauthorized", "detail": "asks for a token"})",
        "application/json");
  };
  master.server().Get("/api/v1/jobs", answer);
  master.server().Post("/api/v1/jobs/a/pause", answer);
  master.server().Delete("/api/v1/jobs/a", answer);
  auto known = std::move(*MasterClient::open(master.client().url(), "0123456789abcdef"));
  EXPECT_TRUE(known.fetch("/jobs").ok());
  EXPECT_TRUE(known.post("/jobs/a/pause")->ok());
  EXPECT_TRUE(known.remove("/jobs/a")->ok());
  const auto refused = master.client().fetch("/jobs");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::permission);
  EXPECT_THAT(refused.error().message, HasSubstr("asks for a token"));
}

TEST(MasterClient, SaysWhatToDoWhenNobodyListens) {
  auto client = MasterClient::open("http://127.0.0.1:1");
  ASSERT_TRUE(client.ok());
  const auto jobs = client->fetch("/jobs");
  ASSERT_FALSE(jobs.ok());
  EXPECT_EQ(jobs.error().code, ErrorCode::unavailable);
  EXPECT_THAT(jobs.error().message, HasSubstr("cannot reach the master at http://127.0.0.1:1"));
  EXPECT_THAT(jobs.error().message, HasSubstr("ride up FILE"));
}

TEST(MasterClient, ARefusalBecomesAnErrorWithTheMastersWords) {
  FakeMaster master;
  master.server().Post("/api/v1/jobs/street/pause", [](const auto&, auto& answer) {
    answer.status = 409;
    answer.set_content(
        R"({"type":"about:blank","title":"Conflict","status":409,"detail":"only a running job can be paused"})",
        "application/problem+json");
  });
  auto client = master.client();
  const auto reply = client.post("/jobs/street/pause");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 409);
  EXPECT_EQ(error_of(*reply).message, "only a running job can be paused");
  EXPECT_EQ(error_of(*reply).code, ErrorCode::already_exists);
}

TEST(MasterClient, AnotherWebServerIsNoMasterWhateverItAnswers) {
  FakeMaster other;
  const auto answer = [&other](const char* text, int status, const char* type) {
    const auto all = [=](const auto&, auto& answer) {
      answer.status = status;
      answer.set_content(text, type);
    };
    other.server().Get(".*", all);
    other.server().Post(".*", all);
    other.server().Delete(".*", all);
  };
  answer(R"({"hello": "world"})", 200, "application/json");
  auto client = other.client();
  for (const char* path :
       {"/jobs", "/jobs/street", "/workers", "/stages", "/sources", "/nodes", "/leader", "/events?after=0"}) {
    const auto got = client.fetch(path);
    ASSERT_FALSE(got.ok()) << path;
    EXPECT_EQ(got.error().code, ErrorCode::unavailable) << path;
  }
  const auto jobs = client.fetch("/jobs");
  EXPECT_THAT(
      jobs.error().message,
      HasSubstr(client.url() + " is not a RIDE master: it answered GET /api/v1/jobs with status 200, without 'jobs'"));
  EXPECT_THAT(jobs.error().message, HasSubstr("--master URL"));
  EXPECT_FALSE(client.post("/jobs/street/drain").ok());
  EXPECT_FALSE(client.remove("/jobs/street").ok());
  EXPECT_FALSE(submit(client, "ride: v1\n", "a.yaml").ok());
  EXPECT_FALSE(dry_run(client, "ride: v1\n", "a.yaml").ok());
}

TEST(MasterClient, APageThatIsNotFoundIsNoMasters) {
  FakeMaster other;  // serves nothing
  auto client = other.client();
  const auto reply = client.post("/jobs/street/pause");
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().message,
              HasSubstr("is not a RIDE master: it answered POST /api/v1/jobs/street/pause with status 404"));
}

TEST(MasterClient, AnAnswerThatIsNoJsonIsShownAsItIs) {
  FakeMaster master;
  master.server().Get("/api/v1/jobs", [](const auto&, auto& answer) {
    answer.status = 502;
    answer.set_content("<html>proxy</html>", "text/html");
  });
  auto client = master.client();
  const auto jobs = client.fetch("/jobs");
  ASSERT_FALSE(jobs.ok());
  EXPECT_THAT(jobs.error().message, HasSubstr("status 502"));
  EXPECT_THAT(jobs.error().message, HasSubstr("proxy"));
}

TEST(MasterClient, AsksTheNextMasterWhenOneIsNotThere) {
  FakeMaster master;
  master.server().Get("/api/v1/jobs",
                      [](const auto&, auto& answer) { answer.set_content(R"({"jobs": []})", "application/json"); });
  const auto url = master.client().url();
  auto client = MasterClient::open("http://127.0.0.1:1," + url + ",http://127.0.0.1:2");
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE(client->fetch("/jobs").ok());
  EXPECT_EQ(client->url(), url);
  auto nobody = MasterClient::open("127.0.0.1:1,127.0.0.1:2");
  const auto jobs = nobody->fetch("/jobs");
  ASSERT_FALSE(jobs.ok());
  EXPECT_THAT(jobs.error().message, HasSubstr("http://127.0.0.1:1, http://127.0.0.1:2"));
  EXPECT_FALSE(MasterClient::open("127.0.0.1:1,").ok());
}

TEST(MasterClient, AStandbysRedirectionLeadsToTheLeaderWithTheWholeRequest) {
  FakeMaster leader, standby;
  std::string body, query;
  leader.server().Post("/api/v1/jobs", [&](const auto& request, auto& answer) {
    body = request.body;
    query = request.get_param_value("name");
    answer.status = 201;
    answer.set_content(R"({"job": "street"})", "application/json");
  });
  standby.server().Post("/api/v1/jobs", [&](const auto& request, auto& answer) {
    answer.status = 307;
    answer.set_header("Location", leader.client().url() + request.target);
  });
  auto client = standby.client();
  const auto reply = client.post("/jobs?name=a%20b.yaml", "ride: v1\n", "application/yaml");
  ASSERT_TRUE(reply.ok()) << reply.error().message;
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(body, "ride: v1\n");
  EXPECT_EQ(query, "a b.yaml");
}

TEST(MasterClient, WaitsForTheNextLeaderWhileThereIsNone) {
  FakeMaster master;
  int asked = 0;
  master.server().Delete("/api/v1/jobs/street", [&](const auto&, auto& answer) {
    answer.status = ++asked < 3 ? 503 : 200;
    if (asked < 3) answer.set_header("Retry-After", "1");
    answer.set_content(R"({"job": "street"})", "application/json");
  });
  auto client = master.client();
  const auto reply = client.remove("/jobs/street");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(asked, 3);
}

TEST(Submit, ShowsTheMastersErrorsInTheFile) {
  FakeMaster master;
  std::string name, type, body;
  master.server().Post("/api/v1/jobs", [&](const auto& request, auto& answer) {
    name = request.get_param_value("name");
    type = request.get_header_value("Content-Type");
    body = request.body;
    answer.status = 422;
    answer.set_content(Json{{"title", "Unprocessable Entity"},
                            {"detail", "1 error"},
                            {"errors", Json::array({{{"file", "a b.yaml"},
                                                     {"line", 2},
                                                     {"column", 7},
                                                     {"message", "unknown task 'blurr'"},
                                                     {"fix", "gaussian_blur"}}})}}
                           .dump(),
                       "application/problem+json");
  });
  auto client = master.client();
  const auto submitted = submit(client, "ride: v1\ntask: blurr\n", "a b.yaml");
  ASSERT_FALSE(submitted.ok());
  EXPECT_EQ(submitted.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(submitted.error().message, HasSubstr("unknown task 'blurr'"));
  EXPECT_THAT(submitted.error().message, HasSubstr("a b.yaml:2:7"));
  EXPECT_THAT(submitted.error().message, HasSubstr("task: blurr"));
  EXPECT_EQ(name, "a b.yaml");
  EXPECT_EQ(type, "application/yaml");
  EXPECT_EQ(body, "ride: v1\ntask: blurr\n");
}

TEST(FindMaster, SuggestsTheJobThatWasMeant) {
  FakeMaster master;
  master.server().Get("/api/v1/jobs", [](const auto&, auto& answer) {
    answer.set_content(R"({"jobs": [{"job": "street"}, {"job": "yard"}]})", "application/json");
  });
  auto client = master.client();
  EXPECT_EQ(no_such_job(client, "stret").message,
            "there is no job 'stret', did you mean 'street'? Known: street, yard");
  EXPECT_EQ(no_such_job(client, "xyz").message, "there is no job 'xyz'. Known: street, yard");
}

// An event without words must not pass for the same as each that follows.
TEST(JobWatch, AWarningIsToldAfterOneWithoutText) {
  FakeMaster master;
  master.server().Get("/api/v1/jobs/street", [](const auto&, auto& answer) {
    answer.set_content(R"({"job": "street"})", "application/json");
  });
  master.server().Get("/api/v1/workers",
                      [](const auto&, auto& answer) { answer.set_content(R"({"workers": []})", "application/json"); });
  master.server().Get("/api/v1/events", [](const auto&, auto& answer) {
    answer.set_content(R"({"events": [
      {"n": 1, "severity": "warning", "job": "street", "text": ""},
      {"n": 2, "severity": "warning", "job": "street", "text": "the disk is full"},
      {"n": 3, "severity": "error", "job": "street", "text": "failed: the disk is full"}]})",
                       "application/json");
  });
  auto client = master.client();
  JobWatch watch(client, "street");
  const auto looked = watch.look();
  ASSERT_TRUE(looked.ok()) << looked.error().message;
  const auto news = watch.take_news();
  ASSERT_EQ(news.size(), 2U) << "the third has the cause of the second";
  EXPECT_EQ(news[1], "warning: the disk is full");
}

TEST(UrlEncoded, LeavesOnlyWhatIsSafe) { EXPECT_EQ(url_encoded("a b/c?ü"), "a%20b%2Fc%3F%C3%BC"); }

}  // namespace
}  // namespace ride::cli
