// detect_faces on a real picture, and on files that are no cascades.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/tasks/found_objects.h"
#include "worker/tasks/cascade_file.h"
#include "worker/tasks/detections.h"
#include "worker/tasks/found_boxes.h"

namespace ride::tasks {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCascades = "/usr/share/opencv4/";

// Of scripts/fetch-demo-video; gray, since that needs no colors.
cv::Mat footballer() {
  const std::string path = RIDE_SOURCE_DIR "/.ride-demo/messi5.jpg";
  cv::Mat picture = cv::imread(path, cv::IMREAD_COLOR);
  if (picture.empty()) {
    ADD_FAILURE() << path << " cannot be read: run scripts/fetch-demo-video --tests";
    picture = cv::Mat(342, 548, CV_8UC3, cv::Scalar::all(0));
  }
  return picture;
}

std::vector<Detection> faces_in(const cv::Mat& picture, const ParamValues& params = {}) {
  return found_by("detect_faces", picture, params);
}

double best_face_overlap(const std::vector<Detection>& faces, const cv::Rect2d& wanted) {
  double best = 0;
  for (const Detection& face : faces) best = std::max(best, overlap(rect_of(face), wanted));
  return best;
}

// Where the face is, by eye: from the hair to the chin, from the ear to the cheek. frontal_default finds
// [226,94,38,38], an overlap (IoU) of 0.67, frontal_alt and frontal_alt2 [225,92,41,41], 0.70.
const cv::Rect2d kFace(220, 91, 38, 42);

TEST(DetectFaces, FindsTheFaceInARealPicture) {
  const auto faces = faces_in(footballer());
  ASSERT_FALSE(faces.empty());
  EXPECT_EQ(faces[0].label, "face");
  EXPECT_GE(overlap(rect_of(faces[0]), kFace), 0.5) << rect_of(faces[0]);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(rect_of(faces[i]) & cv::Rect2d(0, 0, 548, 342), rect_of(faces[i])) << "a box leaves the picture";
    EXPECT_GE(faces[i].score, 4) << "windows that agree";
    if (i > 0) {
      EXPECT_GE(faces[i - 1].score, faces[i].score);
    }
  }
}

TEST(DetectFaces, OtherCascadesFindItTooAndALabelMayBeGiven) {
  for (const char* cascade : {"frontal_alt", "frontal_alt2"}) {
    const auto faces = faces_in(footballer(), {{"cascade", std::string(cascade)}, {"label", std::string("head")}});
    EXPECT_GE(best_face_overlap(faces, kFace), 0.5) << cascade;
    for (const Detection& face : faces) EXPECT_EQ(face.label, "head");
  }
}

TEST(DetectFaces, SmallFacesAreFoundByLocalBinaryPatterns) {
  const auto faces = faces_in(footballer(), {{"cascade", std::string("lbp_frontal")}, {"min_size", std::int64_t{24}}});
  EXPECT_GE(best_face_overlap(faces, kFace), 0.5);  // [228,95,35,35]: 0.59
}

TEST(DetectFaces, LooksAtOtherDepthsAndChannelsAlike) {
  const auto wanted = faces_in(footballer());
  cv::Mat deep, alpha, real, gray;
  footballer().convertTo(deep, CV_16U, 257);
  EXPECT_EQ(faces_in(deep), wanted);
  cv::cvtColor(footballer(), alpha, cv::COLOR_BGR2BGRA);
  EXPECT_EQ(faces_in(alpha), wanted);
  footballer().convertTo(real, CV_32F, 1 / 255.0);
  EXPECT_EQ(faces_in(real), wanted);
  cv::cvtColor(footballer(), gray, cv::COLOR_BGR2GRAY);
  EXPECT_EQ(faces_in(gray), wanted);
}

TEST(DetectFaces, SizesAreThoseOfThePicture) {
  const double side = faces_in(footballer()).at(0).width;
  const auto from_to = [](double least, double most) {
    return best_face_overlap(faces_in(footballer(), {{"min_size", static_cast<std::int64_t>(least)},
                                                     {"max_size", static_cast<std::int64_t>(most)}}),
                             kFace);
  };
  EXPECT_GE(from_to(0.8 * side, 1.2 * side), 0.5);
  EXPECT_EQ(from_to(1.5 * side, 3 * side), 0);
  EXPECT_EQ(from_to(20, 0.6 * side), 0);
  EXPECT_NE(problem("detect_faces", {{"min_size", std::int64_t{50}}, {"max_size", std::int64_t{40}}}), "");
}

// 9.4 megapixels: it is looked at in 8, and the box stands in the picture as it came.
TEST(DetectFaces, ALargePictureIsReducedForTheSearchOnly) {
  cv::Mat large(2400, 3900, CV_8UC3, cv::Scalar::all(90));
  footballer().copyTo(large(cv::Rect(3000, 1900, 548, 342)));
  const auto faces = faces_in(large);
  EXPECT_GE(best_face_overlap(faces, kFace + cv::Point2d(3000, 1900)), 0.5);
  EXPECT_TRUE(faces_in(cv::Mat(1, 9'000'000, CV_8UC1, cv::Scalar(90))).empty());
}

TEST(DetectFaces, FindsNobodyInFlatAndNoisyPictures) {
  for (const cv::Size size : {cv::Size(640, 480), cv::Size(24, 24), cv::Size(23, 24), cv::Size(1, 1), cv::Size(900, 2)})
    EXPECT_TRUE(faces_in(cv::Mat(size, CV_8UC3, cv::Scalar(90, 90, 90))).empty()) << size;
  for (int seed = 1; seed <= 3; ++seed) EXPECT_TRUE(faces_in(noise(480, 640, CV_8UC3, seed)).empty()) << seed;
  cv::Mat wild = cv::Mat::zeros(100, 100, CV_32FC1);
  wild(cv::Rect(0, 0, 50, 50)) = std::numeric_limits<double>::quiet_NaN();
  wild(cv::Rect(50, 0, 50, 50)) = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(faces_in(wild).empty());
}

TEST(DetectFaces, SaysTheSameEachTime) { EXPECT_EQ(faces_in(footballer()), faces_in(footballer())); }

TEST(DetectFaces, EachKnownNameIsACascadeOfThePackage) {
  for (const char* name :
       {"frontal_default", "frontal_alt", "frontal_alt2", "frontal_alt_tree", "profile", "lbp_frontal",
        "lbp_frontal_improved", "lbp_profile", "eye", "eye_glasses", "smile", "upper_body", "full_body", "cat"})
    EXPECT_TRUE(try_open("detect_faces", {{"cascade", std::string(name)}})) << name;
  EXPECT_NE(problem("detect_faces", {{"cascade", std::string("frontal")}}).find("frontal_default"), std::string::npos);
}

// All of the package, also those that have no short name; but for one of OpenCV 1.
TEST(DetectFaces, LeavesAtMost200OfTheBest) {
  const auto faces = faces_in(footballer(), {{"min_neighbors", std::int64_t{0}}, {"scale_factor", 1.05}});
  EXPECT_LE(faces.size(), kMaxDetections);
}

TEST(FoundBoxes, TheBestStayAndBoxesAreCutToThePicture) {
  std::vector<Detection> found;
  for (int i = 0; i < 300; ++i)
    found.push_back(detection_at({i / 2, 10, 20, 40}, {200, 100}, {400, 300}, "thing", i % 7));
  keep_best(found);
  ASSERT_EQ(found.size(), kMaxDetections);
  EXPECT_EQ(found[0].score, 6);
  EXPECT_EQ(rect_of(found[0]), cv::Rect2d(6, 30, 40, 120));
  EXPECT_EQ(rect_of(detection_at({190, 90, 20, 40}, {200, 100}, {400, 300}, "thing", 1)), cv::Rect2d(380, 270, 20, 30));
}

TEST(Detections, AScoreOfAnySizeCanBeReadAgain) {
  const auto found = detections_from_json(R"([{"box":[1,2,3,4],"score":1e305}])").value();
  const auto again = detections_from_json(detections_to_json(found));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->at(0).score, 1e305);
}

TEST(Cascades, AllOfDebiansAreRead) {
  int read = 0;
  for (const char* folder : {"haarcascades", "lbpcascades"}) {
    for (const auto& entry : fs::directory_iterator(std::string(kCascades) + folder)) {
      cv::CascadeClassifier cascade;
      const auto loaded = load_cascade(entry.path(), cascade);
      if (entry.path().filename() == "haarcascade_licence_plate_rus_16stages.xml") {
        EXPECT_NE(loaded.error().message.find("older formats"), std::string::npos);
        continue;
      }
      EXPECT_TRUE(loaded) << loaded.error().message;
      ++read;
    }
  }
  EXPECT_GE(read, 20);
}

std::string xml_of(const std::string& path) {
  const auto bytes = bytes_of(path);
  return {bytes.begin(), bytes.end()};
}

// The message of the error; empty where it opens.
std::string refusal_of(const std::string& text) {
  const TempFolder folder;
  const std::string path = folder / "cascade.xml";
  std::ofstream(path) << text;
  const auto opened = try_open("detect_faces", {{"cascade", path}});
  if (opened) return "";
  EXPECT_NE(opened.error().message.find("stage 'album', detect_faces: the cascade " + path), std::string::npos)
      << opened.error().message;
  EXPECT_FALSE(opened.error().retriable);
  return opened.error().message;
}

TEST(Cascades, AFileThatIsNotThereOrNoneIsNamed) {
  const auto of = [](const std::string& path) { return try_open("detect_faces", {{"cascade", path}}).error().message; };
  EXPECT_NE(of("/nowhere/face.xml").find("install Debian's package opencv-data"), std::string::npos);
  EXPECT_NE(of("/usr/share/opencv4/").find("folder"), std::string::npos);
  EXPECT_NE(of("/dev/zero").find("8 MB"), std::string::npos) << of("/dev/zero");
  EXPECT_NE(refusal_of("").find("no XML file"), std::string::npos);
  EXPECT_NE(refusal_of("%YAML:1.0\n---\ncascade: 1\n").find("no XML file"), std::string::npos);
  EXPECT_NE(refusal_of("<?xml version=\"1.0\"?>\n<opencv_storage>\n<a>1</a></opencv_storage>\n"), "");
  EXPECT_NE(refusal_of("<?xml version=\"1.0\"?>\n<opencv_storage>\n<cascade>").find("OpenCV says"), std::string::npos);
  EXPECT_NE(refusal_of(std::string(9 << 20, ' ')).find("larger than 8 MB"), std::string::npos);
  std::string deep = "<?xml version=\"1.0\"?>\n<opencv_storage>\n";
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  EXPECT_NE(refusal_of(deep).find("deep"), std::string::npos);
  // What looks like the end of a tag, in a text or a comment, closes nothing.
  for (const std::string level : {"<a>\"/>\"", "<a><!-->/>-->"}) {
    std::string hidden = "<?xml version=\"1.0\"?>\n<opencv_storage>\n";
    for (int i = 0; i < 200'000; ++i) hidden += level;
    EXPECT_NE(refusal_of(hidden).find("deep"), std::string::npos) << level;
  }
}

// OpenCV would read these and then look beyond its arrays, or never come to an end.
TEST(Cascades, NumbersThatDoNotFitAreFoundBeforeOpenCvTrustsThem) {
  const std::string haar = xml_of(std::string(kCascades) + "haarcascades/haarcascade_frontalface_default.xml");
  const std::string lbp = xml_of(std::string(kCascades) + "lbpcascades/lbpcascade_frontalface.xml");
  const std::string tree = xml_of(std::string(kCascades) + "haarcascades/haarcascade_frontalface_alt2.xml");
  const auto changed = [](std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  };
  EXPECT_EQ(refusal_of(haar), "");
  EXPECT_EQ(refusal_of(lbp), "");
  EXPECT_EQ(refusal_of(tree), "");
  EXPECT_NE(refusal_of(haar.substr(0, haar.size() / 2)), "");
  EXPECT_NE(refusal_of(changed(haar, "0 -1 0 -3.15", "0 -1 999999 -3.15")).find("tree 0 of its stage 0"),
            std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, "0 -1 0 -3.15", "0 -7 0 -3.15")).find("tree 0 of its stage 0"), std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, "0 -1 0 -3.15", "-1 -1 0.5 -3.15")), "");
  EXPECT_NE(refusal_of(changed(tree, "4.3272329494357109e-03 -1 -2 1", "4.3272329494357109e-03 1 -2 1")), "")
      << "a circle";
  EXPECT_NE(refusal_of(changed(haar, "6 4 12 9 -1.", "6 4 1200 9 -1.")).find("feature 0 lies outside"),
            std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, "6 4 12 9 -1.", "-6 4 12 9 -1.")).find("feature 0"), std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, "6 4 12 9 -1.", "6 4 12 -1.")).find("feature 0"), std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, "<height>24</height>", "<height>2400000</height>")).find("window"),
            std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, ">BOOST<", ">TREES<")).find("boosted"), std::string::npos);
  EXPECT_NE(refusal_of(changed(haar, ">HAAR<", ">HOG<")).find("boosted"), std::string::npos);
  EXPECT_NE(refusal_of(changed(lbp, "<maxCatCount>256<", "<maxCatCount>9<")).find("maxCatCount"), std::string::npos);
  EXPECT_NE(refusal_of(changed(lbp, "0 0 3 5<", "0 0 9 5<")).find("feature 0 lies outside"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
