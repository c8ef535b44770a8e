#include "tests/hostile/attacks.h"

#include <spdlog/fmt/fmt.h>
#include <zlib.h>

#include <limits>
#include <opencv2/imgcodecs.hpp>

#include "stream/core/frame_record.h"

namespace ride::test {

using stream::Headers;
using stream::OutRecord;
using Random = std::mt19937_64;

namespace {

OutRecord make_record(Headers headers, std::vector<std::uint8_t> value, std::string key = {}) {
  auto owner = std::make_shared<std::vector<std::uint8_t>>(std::move(value));
  return {std::move(key), std::move(headers), {owner->data(), owner->size()}, owner};
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

int below(Random& random, int limit) { return static_cast<int>(random() % static_cast<std::uint64_t>(limit)); }

std::vector<std::uint8_t> noise(Random& random, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// ---- frames

// A header as the source itself would write it, of a session that was never assigned.
Headers forged(Random& random, const std::string& job, const std::string& source) {
  stream::RecordHeader header;
  const auto number = static_cast<std::int64_t>(random() >> 2);
  header.id = {source, SessionId{1'000'000 + below(random, 1'000'000)}, number};
  header.job = job;
  header.writer_stage = source;
  header.captured_at = system_now();
  header.origin = {{source, PartitionId{0}}, {header.id.session.value, number}, RunNumber{1}};
  header.writer = "forged#" + std::to_string(random());
  header.content_type = "image/jpeg";
  return encode_header(header);
}

void set(Headers& headers, const std::string& name, const std::string& value) {
  for (auto& [known, old] : headers)
    if (known == name) {
      old = value;
      return;
    }
  headers.emplace_back(name, value);
}

RecordAttack overflowing_chunks(Random& random, const std::string& job, const std::string& source) {
  auto first = forged(random, job, source);
  auto second = first;
  set(first, "ride_part", "1/3");
  set(first, "ride_chunk", "1/2/0/200");
  set(second, "ride_part", "2/3");
  set(second, "ride_item", "1");
  set(second, "ride_chunk", "1/1/0/9223372036854775807");
  RecordAttack attack{"overflowing chunks", {}};
  attack.records.push_back(make_record(first, noise(random, 100)));
  attack.records.push_back(make_record(second, noise(random, 100)));
  return attack;
}

RecordAttack unfinished_set(Random& random, const std::string& job, const std::string& source) {
  auto headers = forged(random, job, source);
  set(headers, "ride_part", "1/2");
  RecordAttack attack{"unfinished set", {}};
  attack.records.push_back(
      make_record(headers, noise(random, 200'000 + static_cast<std::size_t>(below(random, 800'000)))));
  return attack;
}

RecordAttack forged_origin(Random& random, const std::string& job, const std::string& source) {
  auto headers = forged(random, job, source);
  switch (below(random, 5)) {
    case 0:  // as the issue's: an honest name, a high origin
      set(headers, "ce_id", source + "/1/5");
      set(headers, "ride_origin", source + "/0/1.9000000000/1");
      break;
    case 1:
      set(headers, "ride_origin", source + "/0/9223372036854775807.9223372036854775807/1");
      break;
    case 2:
      set(headers, "ride_origin", source + "/0/-9223372036854775808.-1/-1");
      break;
    case 3:
      set(headers, "ride_origin", source + "/2147483647/1.1/1");
      break;
    case 4:
      set(headers, "ride_origin", source + "/0/1.5/99");
      break;
  }
  RecordAttack attack{"forged origin", {}};
  attack.records.push_back(make_record(headers, honest_picture(0)));
  return attack;
}

RecordAttack forged_end(Random& random, const std::string& job, const std::string& source) {
  auto headers = forged(random, job, source);
  set(headers, "ce_type", "ride.end");
  RecordAttack attack{"forged end", {}};
  attack.records.push_back(make_record(headers, {}));
  return attack;
}

RecordAttack raw_bomb(Random& random, Headers headers) {
  set(headers, "content-type", stream::kRawContentType);
  set(headers, "ride_shape", "31000x31000x4");
  set(headers, "ride_depth", "64f");
  set(headers, "ride_compression", "zstd");
  RecordAttack attack{"raw bomb", {}};
  attack.records.push_back(make_record(std::move(headers), noise(random, 24)));
  return attack;
}

RecordAttack damaged_headers(Random& random, const std::string& job, const std::string& source) {
  static const std::vector<std::string> kValues = {"",
                                                   "-1",
                                                   "0",
                                                   "99999999999999999999",
                                                   "9223372036854775807",
                                                   "1/0",
                                                   "2/1",
                                                   "1/1/1",
                                                   "\x1b[2J\x1b[1;31m",
                                                   "a\nb",
                                                   std::string(100, '/'),
                                                   std::string("\0\0", 2),
                                                   "\xff\xfe\xfd",
                                                   "../../../etc/passwd",
                                                   "nan",
                                                   "1e308"};
  auto headers = forged(random, job, source);
  for (int changes = 1 + below(random, 4); changes > 0; --changes) {
    auto& [name, value] = headers[static_cast<std::size_t>(below(random, static_cast<int>(headers.size())))];
    if (below(random, 4) == 0)
      name = kValues[static_cast<std::size_t>(below(random, static_cast<int>(kValues.size())))];
    else
      value = below(random, 20) == 0
                  ? std::string(100'000, 'x')
                  : kValues[static_cast<std::size_t>(below(random, static_cast<int>(kValues.size())))];
  }
  RecordAttack attack{"damaged headers", {}};
  attack.records.push_back(make_record(headers, noise(random, static_cast<std::size_t>(below(random, 1000)))));
  return attack;
}

RecordAttack no_frame(Random& random) {
  RecordAttack attack{"no frame", {}};
  attack.records.push_back(make_record({{"x", "y"}}, noise(random, static_cast<std::size_t>(below(random, 5000)))));
  return attack;
}

// ---- pictures

void put_u32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_png_chunk(std::vector<std::uint8_t>& out, const std::string& type, const std::vector<std::uint8_t>& data) {
  put_u32(out, static_cast<std::uint32_t>(data.size()));
  std::vector<std::uint8_t> body(type.begin(), type.end());
  body.insert(body.end(), data.begin(), data.end());
  out.insert(out.end(), body.begin(), body.end());
  put_u32(out, static_cast<std::uint32_t>(::crc32(0, body.data(), static_cast<uInt>(body.size()))));
}

// 30,000 x 30,000 of which nearly nothing is there.
std::vector<std::uint8_t> sparse_png() {
  std::vector<std::uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, head;
  put_u32(head, 30'000);
  put_u32(head, 30'000);
  head.insert(head.end(), {16, 6, 0, 0, 0});
  put_png_chunk(out, "IHDR", head);
  const std::vector<std::uint8_t> zeros(1 << 20);
  uLongf size = ::compressBound(zeros.size());
  std::vector<std::uint8_t> packed(size);
  ::compress(packed.data(), &size, zeros.data(), zeros.size());
  packed.resize(size);
  put_png_chunk(out, "IDAT", packed);
  put_png_chunk(out, "IEND", {});
  return out;
}

std::vector<std::uint8_t> damaged_picture(Random& random) {
  auto bytes = honest_picture(below(random, 256));
  switch (below(random, 4)) {
    case 0:  // its end is missing
      bytes.resize(bytes.size() / 2);
      return bytes;
    case 1: {  // a start of frame that claims 65,500 x 65,500
      for (std::size_t i = 0; i + 9 < bytes.size(); ++i)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) bytes[i + 5] = bytes[i + 7] = 0xff;
      return bytes;
    }
    case 2:
      return sparse_png();
    default:
      return noise(random, 1 + static_cast<std::size_t>(below(random, 4000)));
  }
}

// ---- control

std::string garbage_json(Random& random) {
  static const std::vector<std::string> kTexts = {"",
                                                  "{",
                                                  "[]",
                                                  "null",
                                                  "{\"type\":1}",
                                                  "{\"type\":\"assign\"}",
                                                  "{\"type\":\"no such thing\"}",
                                                  "{\"type\":\"heartbeat\"}",
                                                  "{\"log\":{},\"type\":[]}",
                                                  std::string(10'000, '['),
                                                  "\xff\xfe",
                                                  "{\"type\":\"claim\",\"epoch\":1e400}"};
  return kTexts[static_cast<std::size_t>(below(random, static_cast<int>(kTexts.size())))];
}

RecordAttack as_attack(std::string name, std::string text) {
  RecordAttack attack{std::move(name), {}};
  attack.records.push_back(make_record({}, bytes_of(text)));
  return attack;
}

}  // namespace

std::vector<std::uint8_t> honest_picture(int number) {
  cv::Mat image(48, 64, CV_8UC3, cv::Scalar(number & 255, (number >> 8) & 255, 128));
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", image, bytes);
  return bytes;
}

RecordAttack draw_frame_attack(Random& random, const std::string& job, const std::string& source) {
  switch (below(random, 7)) {
    case 0:
      return overflowing_chunks(random, job, source);
    case 1:
      return unfinished_set(random, job, source);
    case 2:
      return forged_origin(random, job, source);
    case 3:
      return forged_end(random, job, source);
    case 4:
      return raw_bomb(random, forged(random, job, source));
    case 5:
      return damaged_headers(random, job, source);
    default:
      return no_frame(random);
  }
}

RecordAttack draw_picture_attack(Random& random) {
  if (below(random, 4) == 0) {
    Headers headers;
    set(headers, "ride_format", "1");
    set(headers, "ce_type", "ride.frame");
    set(headers, "ce_id", "x/1/1");
    set(headers, "ride_origin", "x/0/1.1/1");
    return raw_bomb(random, std::move(headers));
  }
  RecordAttack attack{"damaged picture", {}};
  attack.records.push_back(make_record({}, damaged_picture(random)));
  return attack;
}

RecordAttack draw_decision_attack(Random& random, const stream::Decision& standing, const std::string& job) {
  constexpr auto kHighest = std::numeric_limits<std::int64_t>::max();
  auto decision = standing;
  switch (below(random, 7)) {
    case 0:
      decision.body = stream::Claim{kHighest, "forged", "127.0.0.1:1"};
      break;
    case 1:
      decision.body = stream::SnapshotPart{"forged" + std::to_string(random()), 1, 1, "no JSON"};
      break;
    case 2: {
      stream::StageSpec stage;
      stage.name = stage.topic = "huge";
      stage.partitions = 2'000'000'000;
      stream::JobSpec spec;
      spec.job = JobName{"huge" + std::to_string(below(random, 1000))};
      spec.run = RunNumber{1};
      spec.stages = {stage};
      decision.body = stream::JobAccepted{spec, "", system_now()};
      break;
    }
    case 3:  // of another log, under the standing claim's words
      decision.log = "another-log";
      decision.body = stream::JobPhaseChanged{
          JobName{job}, RunNumber{1}, stream::JobPhase::cancelled, "forged", system_now(), {}, {}};
      break;
    case 4:  // under a claim that nobody won
      decision.leader = "nobody";
      decision.body = stream::Assign{JobName{job},      RunNumber{1},
                                     StageName{"work"}, WorkerId{"nobody#1"},
                                     Epoch{kHighest},   {PartitionId{0}, PartitionId{2'000'000'000}, PartitionId{-5}},
                                     "forged",          system_now()};
      break;
    case 5:
      decision.leader = "nobody";
      decision.body = stream::WorkerOut{WorkerId{"\x1b[31mnobody"}, std::string(50'000, 'r'), false, system_now()};
      break;
    default:
      return as_attack("garbage decision", garbage_json(random));
  }
  return as_attack(std::string("forged ") + type_of(decision.body), encode(decision));
}

RecordAttack draw_report_attack(Random& random, const std::string& log) {
  const auto report = [&](stream::ReportBody body) {
    return encode(stream::Report{below(random, 4) == 0 ? "another-log" : log, std::move(body)});
  };
  switch (below(random, 4)) {
    case 0:
    case 1: {
      RecordAttack attack{"forged heartbeats", {}};
      for (int i = 0; i < 50; ++i) {
        stream::Heartbeat beat;
        beat.id = WorkerId{fmt::format("w{}#{}", random() % 100'000, random())};
        beat.kind = below(random, 2) == 0 ? stream::ProcessKind::worker : stream::ProcessKind::agent;
        beat.node = NodeName{fmt::format("node{}", random() % 1000)};
        beat.pid = beat.rss_bytes = std::numeric_limits<std::int64_t>::min();
        beat.frames_per_second = beat.service_rate = 1e300;
        attack.records.push_back(make_record({}, bytes_of(report(beat))));
      }
      return attack;
    }
    case 2:
      return as_attack("forged tick", report(stream::Tick{std::numeric_limits<std::int64_t>::max(), "forged", 1}));
    default:
      return as_attack("garbage report", garbage_json(random));
  }
}

std::string draw_request(Random& random) {
  static const std::vector<std::string> kRequests = {
      "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
      "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999999999999\r\n\r\n",
      "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\nride: v1\nname: x\nstages: [[[[[[",
      "DELETE /api/v1/jobs/street HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n",
      "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /api/v1/events?after=-9999999999999999999 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "BREW /api/v1/jobs HTTP/9.9\r\n\r\n",
      std::string("\0\x01\x02\x16\x03\x01", 6),
      "GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(100'000, 'b')};
  return kRequests[static_cast<std::size_t>(below(random, static_cast<int>(kRequests.size())))];
}

}  // namespace ride::test
