#include "common/crash_note.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace ride {

namespace {

constexpr std::uint64_t kMagic = 0x31304554'4f4e4452;  // "RDNOTE01"
constexpr std::size_t kPageBytes = 4096;

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

// The plain fields change only while `inside` is 0, or of another number than before: a reader that finds the same
// number before and after has read them whole.
struct CrashNote::Page {
  std::uint64_t magic;
  std::atomic<std::uint64_t> inside;  // number of the frame, from 1; 0: none
  std::atomic<std::uint64_t> moved;
  std::atomic<std::int64_t> memory_limit;
  std::uint64_t entered;  // frames so far
  std::int64_t run, offset, allowed_ms;
  std::int32_t partition;
  char job[256], stage[256], frame[512];
};

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
  page_->inside.store(0);
  page_->memory_limit.store(0);
  page_->entered = 0;
  page_->magic = kMagic;
}

void CrashNote::enter(const FrameAtWork& frame, std::chrono::milliseconds allowed) {
  page_->inside.store(0);
  page_->run = frame.run.value;
  page_->offset = frame.offset.value;
  page_->partition = frame.partition.value;
  page_->allowed_ms = allowed.count();
  put(page_->job, frame.job.value);
  put(page_->stage, frame.stage.value);
  put(page_->frame, frame.frame);
  page_->moved.fetch_add(1);
  page_->inside.store(++page_->entered);
}

void CrashNote::progress() { page_->moved.fetch_add(1); }

void CrashNote::leave() { page_->inside.store(0); }

std::optional<WorkNoted> CrashNote::read() const {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto inside = page_->inside.load();
    if (inside == 0) return std::nullopt;
    WorkNoted noted;
    noted.moved = page_->moved.load();
    noted.at.run = RunNumber{page_->run};
    noted.at.offset = Offset{page_->offset};
    noted.at.partition = PartitionId{page_->partition};
    noted.allowed = std::chrono::milliseconds(page_->allowed_ms);
    noted.at.job = JobName{text_of(page_->job)};
    noted.at.stage = StageName{text_of(page_->stage)};
    noted.at.frame = text_of(page_->frame);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (page_->inside.load() == inside) return noted;
  }
  return std::nullopt;  // frames follow one another faster than we read: nothing hangs
}

void CrashNote::limit_memory(std::int64_t bytes) { page_->memory_limit.store(bytes); }

std::int64_t CrashNote::memory_limit() const { return page_->memory_limit.load(); }

}  // namespace ride
