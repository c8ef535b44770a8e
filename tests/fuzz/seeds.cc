// Writes first inputs for the fuzz targets: real records, made by the product's own encoders.   fuzz_seeds
// tests/fuzz/corpus Files of people (topologies, plans, requests) are written by hand, beside them.
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <opencv2/imgcodecs.hpp>

#include "common/sha256.h"
#include "master/core/snapshot.h"
#include "producer/core/copy_order.h"
#include "stream/core/artifact.h"
#include "stream/core/dead_letter.h"
#include "stream/core/set.h"
#include "tests/fuzz/records.h"
#include "tests/master/simulated_cluster.h"

namespace ride {
namespace {

namespace fs = std::filesystem;
using master::test::SimulatedCluster;
using Bytes = std::vector<std::uint8_t>;

fs::path corpus;

void write(const std::string& target, const std::string& name, std::string_view text) {
  fs::create_directories(corpus / target);
  std::ofstream(corpus / target / name, std::ios::binary) << text;
}

// ---- control topics

stream::JobSpec street() {
  stream::JobSpec spec{.job = {"street"}};
  spec.sources = {{.name = "gate",
                   .kind = "camera",
                   .uri = "rtsp://gate/1",
                   .outputs = {{.to = "clean", .topic = "ride.street.1.clean"}}}};
  spec.stages = {{.name = "clean",
                  .topic = "ride.street.1.clean",
                  .partitions = 4,
                  .group_id = "ride.street.1.clean",
                  .upstreams = {{.name = "gate", .is_source = true}},
                  .task = "resize",
                  .params = {{"width", std::int64_t{32}}, {"method", std::string("area")}},
                  .outputs = {{.port = "out", .to = "album", .topic = "ride.street.1.album", .partitions = 2}},
                  .group = {.min = 1, .max = 2, .spares = 1}},
                 {.name = "album",
                  .topic = "plates",
                  .partitions = 2,
                  .adopt = stream::AdoptSpec{"raw", "16x24x3", "8u"},
                  .task = "discard",
                  .sink = true}};
  return spec;
}

SimulatedCluster running() {
  SimulatedCluster cluster;
  for (const char* worker : {"w1#a", "w2#a", "w3#a"})
    cluster.join({.id = WorkerId{worker}, .node = NodeName{"n1"}, .cores = 1});
  cluster.join({.id = WorkerId{"p1#a"}, .kind = stream::ProcessKind::producer, .node = NodeName{"n1"}});
  cluster.submit(street());
  cluster.handle({master::TopicsOutcome{{"street"}, {1}, {}}});
  for (int i = 0; i < 3; ++i) cluster.tick();
  return cluster;
}

std::string lines_of(const std::vector<stream::Decision>& log) {
  std::string text;
  for (const auto& decision : log) text += encode(decision) + '\n';
  return text;
}

void write_decisions() {
  auto cluster = running();
  write("decisions", "running", lines_of(cluster.log()));
  auto moved = cluster;
  moved.report(stream::Goodbye{WorkerId{"w1#a"}, "stopped"});
  moved.tick();
  write("decisions", "worker_left", lines_of(moved.log()));
  auto changed = cluster;
  auto other = street();
  other.priority = 3;
  changed.submit(other);
  other.stages[0].task = "identity";
  changed.submit(other, true);
  write("decisions", "changed_and_replaced", lines_of(changed.log()));
  auto cancelled = cluster;
  cancelled.handle({master::PhaseRequest{.ticket = 9, .job = {"street"}, .command = master::PhaseCommand::cancel}});
  cancelled.submit(street());
  write("decisions", "cancelled_and_again", lines_of(cancelled.log()));
  auto again = cluster;
  again.restart_master();
  write("decisions", "another_leader", lines_of(again.log()));
  for (const std::size_t bytes : {400U, 1'000'000U}) {
    std::vector<stream::Decision> log;
    const auto& standing = cluster.state().hard.standing;
    for (auto& part : stream::cut(master::capture(cluster.state().hard), "m1-1", bytes))
      log.push_back({standing.log(), standing.epoch(), standing.leader(), std::move(part)});
    log.push_back({standing.log(), standing.epoch(), standing.leader(),
                   stream::WorkerOut{WorkerId{"w2#a"}, "not heard of", true, {}}});
    write("decisions", "snapshot_of_" + std::to_string(log.size() - 1), lines_of(log));
  }
  // One of each kind that the runs above lack.
  const auto by = [&](stream::DecisionBody body) {
    const auto& standing = cluster.state().hard.standing;
    return stream::Decision{standing.log(), standing.epoch(), standing.leader(), std::move(body)};
  };
  auto log = cluster.log();
  log.push_back(
      by(stream::Strike{{"street"}, {1}, {"clean"}, {2}, {7}, "gate/1/7", {"w1#a"}, "signal 11", 1, false, {}}));
  log.push_back(by(stream::Strike{{"street"}, {1}, {"clean"}, {2}, {7}, "gate/1/7", {"w0#a"}, "it hung", 2, true, {}}));
  log.push_back(by(stream::Scale{{"street"}, {1}, {"clean"}, 2, true, "by hand", {}}));
  log.push_back(
      by(stream::Releasing{{"street"}, {1}, {"clean"}, {"w1#a"}, {{0}}, SystemTime(std::chrono::seconds(9)), "m"}));
  log.push_back(by(stream::JobPhaseChanged{
      {"street"}, {1}, stream::JobPhase::draining, "by hand", {}, {{"plates", {{7}, {0}}}}, {3, 2}}));
  write("decisions", "strikes_and_drain", lines_of(log));
}

void write_reports() {
  const auto line = [](stream::ReportBody body) { return encode(stream::Report{"log-1", std::move(body)}) + '\n'; };
  stream::Heartbeat beat{
      .id = WorkerId{"w1#a"}, .node = NodeName{"n1"}, .version = "0.1.0", .http = "127.0.0.1:1", .cores = 1};
  beat.labels = {{"zone", "a"}};
  beat.busy_fraction = 0.9;
  beat.frames_per_second = 25;
  beat.service_rate = 30;
  beat.warm = true;
  beat.group = "street/clean";
  beat.partitions = {{.job = {"street"},
                      .run = {1},
                      .stage = {"clean"},
                      .partition = {0},
                      .epoch = {1},
                      .position = 12,
                      .committed = 10,
                      .end = 15,
                      .oldest_unacked_age_ms = 40,
                      .counters = {.acked = 9, .filtered = 1}}};
  auto ended = beat;
  ended.partitions[0].ended = true;
  stream::Heartbeat producer{.id = WorkerId{"p1#a"}, .kind = stream::ProcessKind::producer, .node = NodeName{"n1"}};
  producer.sources = {{.job = {"street"},
                       .run = {1},
                       .source = "gate",
                       .session = {1},
                       .connected = true,
                       .ended = true,
                       .frames = 50,
                       .total = 100,
                       .fps = 25}};
  stream::Heartbeat fresh{.id = WorkerId{"w9#z"}, .node = NodeName{"n2"}, .cores = 8};
  stream::ChildExit exit{.node = {"n1"}, .agent = {"a1#a"}, .child = {"w1#a"}, .pid = 7, .signal = 11};
  exit.frames = {{{"street"}, {1}, {"clean"}, {0}, {10}, "gate/1/10"}};
  const auto tick = line(stream::Tick{1, "m1", 9});
  write("reports", "beats", line(beat) + "tick\n" + line(producer) + tick + line(fresh) + "tick\n");
  write("reports", "ends", line(ended) + line(producer) + "tick\ntick\n");
  write("reports", "exit", line(exit) + "tick\n" + line(fresh) + "tick\n");
  write("reports", "released", line(stream::Released{{"street"}, {1}, {"clean"}, {"w1#a"}, {{0}, {1}}}) + "tick\n");
  write("reports", "goodbye", line(stream::Goodbye{{"w1#a"}, "stopped"}) + line(beat) + "tick\n");
  write("reports", "notice",
        line(stream::Notice{
            {"w1#a"}, {"n1"}, stream::Severity::error, "disk_full", "no space", "street", "clean", true, {}}) +
            "tick\n");
}

// ---- frames

std::string records_text(const std::vector<stream::OutRecord>& records, bool whole) {
  std::string text;
  for (const auto& record : records) {
    const std::string_view value(reinterpret_cast<const char*>(record.value.data()), record.value.size());
    text += whole ? fuzz::write_record(record.headers, value) : fuzz::write_record(record.headers, value.size());
  }
  return text;
}

const Bytes kPixels(16 * 24 * 3, 7);

std::vector<stream::OutRecord> frame(const std::string& upstream, int partition, std::int64_t number,
                                     const std::string& writer, int chunks) {
  stream::RecordHeader header;
  header.id = {"gate", SessionId{1}, number};
  header.content_type = stream::kRawContentType;
  header.pixels = stream::PixelFormat{16, 24, 3, 0};
  header.attributes["people"] = "2";
  header.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto limit = static_cast<std::int64_t>(kPixels.size()) / chunks;
  std::vector<stream::SetFrame> frames = {{header, {std::span(kPixels), nullptr}}};
  return make_frame_set({"street", upstream, writer, {{upstream, PartitionId{partition}}, {1, number}, RunNumber{1}}},
                        std::move(frames), {.whole_bytes = limit, .chunk_bytes = limit});
}

std::string ends() {
  std::string text;
  text += records_text(
      stream::make_end_set({"street", "gate", "p1#a", {{"gate", {0}}, {1, 9}, {1}}}, {"gate", {1}, 8}, {}), false);
  for (int p = 0; p < 3; ++p)
    text += records_text(
        stream::make_end_set({"street", "blur", "w1#a", {{"blur", {p}}, {9, 1}, {1}}}, {"gate", {1}, 8}, {}), false);
  return text;
}

void write_frames() {
  const auto text = [](const char* upstream, int partition, std::int64_t number, const char* writer, int chunks) {
    return records_text(frame(upstream, partition, number, writer, chunks), false);
  };
  const auto a = frame("gate", 0, 5, "p1#a", 3), b = frame("gate", 0, 5, "p2#b", 3);
  std::string mixed = "start\n";
  for (std::size_t i = 0; i < a.size(); ++i) mixed += records_text({a[i]}, false) + records_text({b[i]}, false);
  stream::CommitMetadata start;
  start.watermarks.raise({"gate", {0}}, {1, 3});
  start.finished[{"blur", {1}}] = {{1, 5}, {2, 0}};
  start.ended = {{"blur", {0}}};
  start.counters = {.acked = 12, .dead = 1};
  start.warm_from = Offset{2};
  stream::RecordHeader outcome;
  outcome.id = {"gate", {1}, 7};
  const auto filtered = make_outcome_set({"street", "blur", "w1#a", {{"blur", {1}}, {7, 0}, {1}}}, outcome,
                                         stream::Outcome::filtered, "nobody in it");
  write("frame_sets", "whole",
        "start\n" + text("gate", 0, 1, "p1#a", 1) + text("gate", 0, 1, "p1#a", 1) + text("blur", 2, 4, "w1#a", 1));
  write("frame_sets", "chunks", "start\n" + text("gate", 0, 1, "p1#a", 4) + text("gate", 0, 2, "p1#a", 2));
  write("frame_sets", "two_writers", mixed);
  write("frame_sets", "ends", "start\n" + text("gate", 0, 1, "p1#a", 1) + ends());
  write("frame_sets", "outcome",
        "start\n" + records_text(filtered, false) + fuzz::write_record({{"who", "me"}}, 10) + "gap=1\n--\n");
  write("frame_sets", "metadata",
        "metadata=" + pack(start) + '\n' + text("gate", 0, 3, "p1#a", 1) + text("gate", 0, 4, "p1#a", 2));
  write("ledger", "chunks", text("gate", 0, 1, "p1#a", 4) + text("gate", 0, 2, "p1#a", 1) + ends());
  write("ledger", "foreign",
        "t=plates\n" + text("gate", 0, 1, "p1#a", 1) + "t=plates\nwho=me\n@3\n--\nt=album\n" +
            text("clean", 1, 4, "w1#a", 1));
  write("ledger", "outcome", "t=album\n" + records_text(filtered, false) + mixed);
  write("commit_metadata", "full", stream::pack(start));
  write("commit_metadata", "empty", stream::pack(stream::CommitMetadata{}));
  write("commit_metadata", "bytes",
        std::string(":\x01\x00\x18\x00\x00\x02\x00\x00\x01\x04gate\x01\x00\x00\x02\x06\x00\x00", 25));
  const auto letter =
      stream::encode_death({{"ride.street.1.clean", {2}}, {1042}, "clean", "task_error: no", "w1#a", 2, {}});
  auto dead = frame("gate", 0, 5, "p1#a", 1)[0].headers;
  dead.insert(dead.end(), letter.begin(), letter.end());
  write("cli_records", "frame", records_text(frame("gate", 0, 1, "p1#a", 2), true));
  write("cli_records", "dead",
        fuzz::write_record(dead, "bytes") + fuzz::write_record({{"who", "\x1b[2Jme"}}, "text\n"));
  write("cli_records", "ends", ends() + records_text(filtered, true));
}

// ---- pictures

std::string as_text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

void write_pictures() {
  cv::Mat image(16, 24, CV_8UC3);
  for (int i = 0; i < image.rows * image.cols * 3; ++i) image.data[i] = static_cast<std::uint8_t>(i * 7 % 251);
  Bytes jpeg, progressive, png, gray16, bmp, tiff, webp, ppm, zipped(ZSTD_compressBound(kPixels.size()));
  cv::imencode(".jpg", image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 50});
  cv::imencode(".jpg", image, progressive, {cv::IMWRITE_JPEG_PROGRESSIVE, 1, cv::IMWRITE_JPEG_QUALITY, 30});
  cv::imencode(".png", image, png);
  cv::imencode(".png", cv::Mat(8, 8, CV_16U, cv::Scalar(4000)), gray16);
  cv::imencode(".bmp", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3)), bmp);
  cv::imencode(".tiff", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3)), tiff);
  cv::imencode(".webp", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3)), webp);
  cv::imencode(".ppm", cv::Mat(4, 4, CV_8UC3, cv::Scalar(1, 2, 3)), ppm);
  zipped.resize(ZSTD_compress(zipped.data(), zipped.size(), kPixels.data(), kPixels.size(), 1));
  const std::string exif(
      "\xFF\xD8\xFF\xE1\x00\x22"
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
      38);
  const std::vector<std::pair<std::string, std::string>> all = {{"jpeg", as_text(jpeg)},
                                                                {"progressive", as_text(progressive)},
                                                                {"png", as_text(png)},
                                                                {"gray16", as_text(gray16)},
                                                                {"bmp", as_text(bmp)},
                                                                {"tiff", as_text(tiff)},
                                                                {"webp", as_text(webp)},
                                                                {"ppm", as_text(ppm)},
                                                                {"exif", exif + as_text(jpeg).substr(2)}};
  for (const auto& [name, bytes] : all) {
    write("picture_heads", name, bytes);
    write("foreign_frames", name, "adopt=image\n\n" + bytes);
  }
  const auto headers = [](bool compressed) {
    auto text = records_text(frame("gate", 0, 1, "p1#a", 1), false);
    text = text.substr(0, text.find("\n@"));
    return "adopt=none\n" + text + (compressed ? "\nride_compression=zstd" : "") + "\n\n";
  };
  write("foreign_frames", "raw_adopted", "adopt=raw\n\n" + as_text(kPixels));
  write("foreign_frames", "raw_of_ride", headers(false) + as_text(kPixels));
  write("foreign_frames", "zstd_of_ride", headers(true) + as_text(zipped));
}

// ---- what is kept beside frames

void write_books() {
  const auto record = [](const stream::Headers& headers, const std::string& value) {
    return fuzz::write_record(headers, value);
  };
  const std::string names("a.jpg\0b.jpg\0c.jpg\0", 18);
  const auto whole = record({{"ride_manifest", "names"}, {"begin", "0"}, {"by", "p1#a"}}, names) +
                     record({{"ride_manifest", "end"}, {"count", "3"}, {"by", "p1#a"}}, "");
  write("manifest", "whole", whole + record({{"ride_manifest", "rejected"}, {"number", "1"}}, "is empty"));
  write("manifest", "two_writers", record({{"ride_manifest", "names"}, {"begin", "0"}, {"by", "p2#b"}}, "x") + whole);
  const auto places = producer::pack_places({{0, 0}, {0, 1}, {1, 5}, {0, 2}, {0, 7}});
  write("copy_journal", "places",
        record({{"ride_manifest", "copies"}}, places) + record({{"ride_manifest", "copies"}}, "0 2 4 1 5 3"));
  write("copy_journal", "order",
        record({{"ride_manifest", "copies"}}, places) + record({{"ride_manifest", "order"}}, "0 0") +
            record({{"ride_manifest", "order"}}, "5 0 8 1 6"));
}

void write_artifacts() {
  const std::string content = "weights";
  const stream::ArtifactRef ref{"net.onnx", sha256_hex(content), 7, "0123456789abcdef", 0};
  const auto record = [&](const char* partition, const std::string& key, const std::string& value) {
    return fuzz::write_record({{"p", partition}, {"k", key}}, value);
  };
  const auto upload = [&](bool complete, bool withdrawn, bool restored) {
    return record("0", stream::upload_key(ref),
                  stream::encode(stream::ArtifactUpload{ref, complete, {}, withdrawn, restored, {}}));
  };
  const auto whole =
      upload(false, false, false) + record("1", stream::chunk_key(ref, 0), content) + upload(true, false, false);
  write("artifacts", "whole", whole);
  write("artifacts", "withdrawn", whole + upload(true, true, false) + upload(true, false, false));
  write("artifacts", "restored", whole + upload(true, true, false) + upload(true, false, true));
  write("artifacts", "removed",
        whole + record("0", stream::upload_key(ref), "") + record("1", stream::chunk_key(ref, 0), ""));
  write("artifacts", "damaged", upload(true, false, false) + record("1", stream::chunk_key(ref, 0), "weightz"));
}

}  // namespace
}  // namespace ride

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER\n";
    return 2;
  }
  ride::corpus = words[1];
  ride::write_decisions();
  ride::write_reports();
  ride::write_frames();
  ride::write_pictures();
  ride::write_books();
  ride::write_artifacts();
}
