#include "common/crash_note.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace ride {

namespace {

constexpr std::uint64_t kMagic = 0x33304554'4f4e4452;    // "RDNOTE03"
constexpr std::uint64_t kInOrder = 0x4f524445'52454e44;  // not what a stray write leaves
constexpr std::size_t kPageBytes = std::size_t{8} * 4096;

template <std::size_t N>
void put(char (&field)[N], const std::string& text) {
  const auto size = std::min(text.size(), N - 1);
  std::memcpy(field, text.data(), size);
  field[size] = 0;
}

// A child that writes where it should not may have left no end.
template <std::size_t N>
std::string text_of(const char (&field)[N]) {
  return {field, ::strnlen(field, N)};
}

}  // namespace

namespace {

// What is noted of a frame, as it lies in the page.
struct NotedFrame {
  std::int64_t run = 0, offset = 0, allowed_ms = 0, partition = 0;
  char job[256] = {}, stage[256] = {}, frame[512] = {};
};
constexpr std::size_t kWords = sizeof(NotedFrame) / sizeof(std::uint64_t);
static_assert(sizeof(NotedFrame) == kWords * sizeof(std::uint64_t) && std::is_trivially_copyable_v<NotedFrame>);

}  // namespace

// `noted` changes only while `inside` is 0, or of another number than before: a reader that finds the same number
// before and after has read it whole. It is read while it is written, hence word by word (a seqlock).
struct CrashNote::Page {
  struct Place {
    std::atomic<std::uint64_t> inside;  // number of the frame, from 1; 0: none
    std::atomic<std::uint64_t> moved;
    std::uint64_t entered;  // frames so far
    std::array<std::atomic<std::uint64_t>, kWords> noted;
  };
  std::uint64_t magic;
  std::atomic<std::int64_t> memory_limit;
  std::array<Place, kPlaces> places;
  std::atomic<bool> is_reading;
  std::atomic<std::int64_t> partition_read, offset_read;
  std::array<std::atomic<std::uint64_t>, kWords> reads_for;
  std::atomic<std::uint64_t> ends_in_order;  // at the end: other versions of agent and worker know the rest
};

namespace {

// Release: whoever sees one of them sees what was stored before, too.
void store(std::array<std::atomic<std::uint64_t>, kWords>& to, const NotedFrame& noted) {
  const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(noted);
  for (std::size_t i = 0; i < kWords; ++i) to[i].store(words[i], std::memory_order_release);
}

NotedFrame load(const std::array<std::atomic<std::uint64_t>, kWords>& from) {
  std::array<std::uint64_t, kWords> words;
  for (std::size_t i = 0; i < kWords; ++i) words[i] = from[i].load(std::memory_order_acquire);
  return std::bit_cast<NotedFrame>(words);
}

}  // namespace

Result<CrashNote> CrashNote::make() {
  static_assert(sizeof(Page) <= kPageBytes && std::atomic<std::uint64_t>::is_always_lock_free);
  const int descriptor = ::memfd_create("ride-crash-note", MFD_CLOEXEC);
  if (descriptor < 0 || ::ftruncate(descriptor, kPageBytes) != 0) {
    if (descriptor >= 0) ::close(descriptor);
    return Error{ErrorCode::resource_exhausted, std::string("no memory for a crash note: ") + std::strerror(errno),
                 true};
  }
  void* memory = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) {
    ::close(descriptor);
    return Error{ErrorCode::resource_exhausted, std::string("no memory for a crash note: ") + std::strerror(errno),
                 true};
  }
  CrashNote note(static_cast<Page*>(memory), descriptor);
  note.clear();
  return note;
}

std::unique_ptr<CrashNote> CrashNote::inherited() {
  const char* text = std::getenv(kCrashNoteVariable);
  if (text == nullptr || *text == 0) return nullptr;
  const int descriptor = std::atoi(text);
  struct stat about {};
  if (descriptor <= 2 || ::fstat(descriptor, &about) != 0 || about.st_size < static_cast<off_t>(kPageBytes))
    return nullptr;
  void* memory = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* page = static_cast<Page*>(memory);
  if (page->magic != kMagic) {
    ::munmap(memory, kPageBytes);
    return nullptr;
  }
  ::close(descriptor);  // what we start ourselves has no part in it
  return std::unique_ptr<CrashNote>(new CrashNote(page, -1));
}

CrashNote::CrashNote(CrashNote&& other) noexcept
    : page_(std::exchange(other.page_, nullptr)), descriptor_(std::exchange(other.descriptor_, -1)) {}

CrashNote& CrashNote::operator=(CrashNote&& other) noexcept {
  std::swap(page_, other.page_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

CrashNote::~CrashNote() {
  if (page_ != nullptr) ::munmap(page_, kPageBytes);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CrashNote::clear() {
  for (auto& at : page_->places) {
    at.inside.store(0);
    at.entered = 0;
  }
  page_->is_reading.store(false);
  page_->memory_limit.store(0);
  page_->ends_in_order.store(0);
  page_->magic = kMagic;
}

void CrashNote::enter(const FrameAtWork& frame, std::chrono::milliseconds allowed, int place) {
  auto& at = page_->places.at(static_cast<std::size_t>(place));
  at.inside.store(0);
  NotedFrame noted{.run = frame.run.value,
                   .offset = frame.offset.value,
                   .allowed_ms = allowed.count(),
                   .partition = frame.partition.value};
  put(noted.job, frame.job.value);
  put(noted.stage, frame.stage.value);
  put(noted.frame, frame.frame);
  store(at.noted, noted);
  at.moved.fetch_add(1);
  at.inside.store(++at.entered);
}

void CrashNote::progress() { page_->places[0].moved.fetch_add(1); }

void CrashNote::leave(int place) { page_->places.at(static_cast<std::size_t>(place)).inside.store(0); }

std::optional<WorkNoted> CrashNote::read(int place) const {
  const auto& at = page_->places.at(static_cast<std::size_t>(place));
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto inside = at.inside.load();
    if (inside == 0) return std::nullopt;
    WorkNoted noted;
    noted.moved = at.moved.load();
    const auto stored = load(at.noted);
    noted.at.run = RunNumber{stored.run};
    noted.at.offset = Offset{stored.offset};
    noted.at.partition = PartitionId{static_cast<std::int32_t>(stored.partition)};
    noted.allowed = std::chrono::milliseconds(stored.allowed_ms);
    noted.at.job = JobName{text_of(stored.job)};
    noted.at.stage = StageName{text_of(stored.stage)};
    noted.at.frame = text_of(stored.frame);
    if (at.inside.load() == inside) return noted;
  }
  return std::nullopt;  // frames follow one another faster than we read: nothing hangs
}

std::vector<WorkNoted> CrashNote::read_all() const {
  std::vector<WorkNoted> all;
  for (int place = 0; place < kPlaces; ++place)
    if (auto noted = read(place)) all.push_back(std::move(*noted));
  return all;
}

void CrashNote::reads_for(const JobName& job, RunNumber run, const StageName& stage) {
  NotedFrame noted{.run = run.value};
  put(noted.job, job.value);
  put(noted.stage, stage.value);
  store(page_->reads_for, noted);
}

void CrashNote::reading(PartitionId partition, Offset offset) {
  page_->partition_read.store(partition.value, std::memory_order_relaxed);
  page_->offset_read.store(offset.value, std::memory_order_relaxed);
  page_->is_reading.store(true, std::memory_order_release);
}

void CrashNote::has_read() { page_->is_reading.store(false, std::memory_order_release); }

std::optional<FrameAtWork> CrashNote::being_read() const {
  if (!page_->is_reading.load(std::memory_order_acquire)) return std::nullopt;
  const auto noted = load(page_->reads_for);
  return FrameAtWork{.job = JobName{text_of(noted.job)},
                     .run = RunNumber{noted.run},
                     .stage = StageName{text_of(noted.stage)},
                     .partition = PartitionId{static_cast<std::int32_t>(page_->partition_read.load())},
                     .offset = Offset{page_->offset_read.load()},
                     .frame = kRecordBeingRead};
}

void CrashNote::end_in_order() { page_->ends_in_order.store(kInOrder); }

bool CrashNote::ends_in_order() const { return page_->ends_in_order.load() == kInOrder; }

void CrashNote::limit_memory(std::int64_t bytes) { page_->memory_limit.store(bytes); }

std::int64_t CrashNote::memory_limit() const { return page_->memory_limit.load(); }

}  // namespace ride
