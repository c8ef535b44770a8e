#include "worker/tasks/blas.h"

#include <dlfcn.h>
#include <spdlog/fmt/fmt.h>

#include <mutex>
#include <opencv2/core.hpp>

namespace ride::tasks {
namespace {

// cblas.h's, which only the library's dev package has. Enumerations are ints there; so are sizes, unless the library
// says USE64BITINT.
using Sgemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float* a,
                       int lda, const float* b, int ldb, float beta, float* c, int ldc);
constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;

struct OpenBlas {
  Sgemm sgemm = nullptr;
  bool one_at_a_time = false;
  std::string missing;  // why sgemm is null
};

template <class Function>
Function function_in(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

OpenBlas open_library() {
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);  // never closed
  if (library == nullptr) return {.missing = dlerror()};
  OpenBlas found;
  const auto config = function_in<const char* (*)()>(library, "openblas_get_config");
  const std::string built = config ? config() : "";
  if (built.empty() || built.find("USE64BITINT") != std::string::npos)
    return {.missing = fmt::format("libopenblas.so.0 has another interface ('{}')", built)};
  // The variants with threads of their own would use all cores; the task's threads are the worker's.
  if (const auto set_threads = function_in<void (*)(int)>(library, "openblas_set_num_threads")) set_threads(1);
  // Built without locks, its working memory is not safe from several threads.
  found.one_at_a_time =
      built.find("SINGLE_THREADED") != std::string::npos && built.find("USE_LOCKING") == std::string::npos;
  found.sgemm = function_in<Sgemm>(library, "cblas_sgemm");
  if (found.sgemm == nullptr) found.missing = "libopenblas.so.0 has no cblas_sgemm";
  return found;
}

const OpenBlas& openblas() {
  static const OpenBlas kFound = open_library();
  return kFound;
}

int row_step(const cv::Mat& mat) { return static_cast<int>(mat.step1()); }

}  // namespace

const std::string& why_no_openblas() { return openblas().missing; }

void add_product_by_opencv(const cv::Mat& a, const cv::Mat& b, bool b_transposed, cv::Mat& c) {
  cv::Mat sum;
  cv::gemm(a, b, 1, c, 1, sum, b_transposed ? cv::GEMM_2_T : 0);
  sum.copyTo(c);
}

void add_product(const cv::Mat& a, const cv::Mat& b, bool b_transposed, cv::Mat& c) {
  const auto& found = openblas();
  if (found.sgemm == nullptr) return add_product_by_opencv(a, b, b_transposed, c);
  static std::mutex one;
  std::unique_lock lock(one, std::defer_lock);
  if (found.one_at_a_time) lock.lock();
  found.sgemm(kRowMajor, kPlain, b_transposed ? kTransposed : kPlain, c.rows, c.cols, a.cols, 1, a.ptr<float>(),
              row_step(a), b.ptr<float>(), row_step(b), 1, c.ptr<float>(), row_step(c));
}

}  // namespace ride::tasks
