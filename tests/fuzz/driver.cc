// What runs a fuzz target where there is no libFuzzer, as a test: every file of its corpus, then seeded mutations of
// them for a while.
//   fuzz_NAME [--seconds N] [--seed S] [--most-bytes N] FILE|FOLDER…
// An input that ends the process, takes longer than 20 s or (without sanitizers) more than 2 GB is a finding: it is
// written to ./fuzz_NAME.finding, which replays it.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fuzz/mutate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

namespace fs = std::filesystem;

constexpr unsigned kMostSeconds = 20;  // of one input
std::string input, finding_file;       // what runs now, and where it goes if it is a finding

void keep_input() {
  const int file = ::open(finding_file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  const bool kept = file >= 0 && ::write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size());
  constexpr char kKept[] = "\nthis input is a finding; it was kept in ", kLost[] = "\nthe input could not be kept in ";
  (void)!::write(2, kept ? kKept : kLost, kept ? sizeof kKept - 1 : sizeof kLost - 1);
  (void)!::write(2, finding_file.data(), finding_file.size());
  (void)!::write(2, "\n", 1);
}

void on_signal(int signal) {
  keep_input();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void watch_for_findings() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(keep_input);
  } else {
    const rlimit most{2UL << 30, 2UL << 30};
    ::setrlimit(RLIMIT_AS, &most);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_signal);
  }
  for (const int signal : {SIGABRT, SIGALRM}) std::signal(signal, on_signal);
}

void run(std::string text) {
  input = std::move(text);
  ::alarm(kMostSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string content_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> corpus_of(const std::vector<fs::path>& places) {
  std::vector<fs::path> files;
  for (const auto& place : places) {
    if (!fs::is_directory(place)) {
      files.push_back(place);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(place)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const auto& file : files) texts.push_back(content_of(file));
  return texts;
}

// A mutation of one text, now and then with the tail of another one.
std::string next_input(const std::vector<std::string>& corpus, std::size_t most_bytes, ride::fuzz::Random& random) {
  auto text = corpus[random() % corpus.size()];
  if (random() % 8 == 0) {
    const auto& other = corpus[random() % corpus.size()];
    text = text.substr(0, random() % (text.size() + 1)) + other.substr(random() % (other.size() + 1));
  }
  return ride::fuzz::mutate(std::move(text), most_bytes, random);
}

}  // namespace

int main(int count, char** words) {
  double seconds = 0;
  std::uint64_t seed = 1;
  std::size_t most_bytes = 16384;
  std::vector<fs::path> places;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool has_value = i + 1 < count;
    if (has_value && word == "--seconds")
      seconds = std::atof(words[++i]);
    else if (has_value && word == "--seed")
      seed = std::strtoull(words[++i], nullptr, 10);
    else if (has_value && word == "--most-bytes")
      most_bytes = std::strtoull(words[++i], nullptr, 10);
    else
      places.emplace_back(word);
  }
  finding_file = fs::path(words[0]).filename().string() + ".finding";
  const auto corpus = corpus_of(places);
  if (corpus.empty()) {
    std::cerr << "no inputs: name files, or folders that hold some\n";
    return 2;
  }
  watch_for_findings();
  for (const auto& text : corpus) run(text);
  ride::fuzz::Random random(seed);
  std::uint64_t mutations = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (; std::chrono::steady_clock::now() < until; ++mutations) run(next_input(corpus, most_bytes, random));
  ::alarm(0);
  std::cout << corpus.size() << " inputs of the corpus and " << mutations << " mutations of them (--seed " << seed
            << "), no findings\n";
}
