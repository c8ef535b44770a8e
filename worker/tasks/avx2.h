// Inner loops that are compiled twice, for any x86-64 and for AVX2 (without FMA, so that both give the same bits);
// which one runs is asked once. By hand instead of target_clones, whose resolvers run before a sanitizer is ready.
// Internal to this folder.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#define RIDE_AVX2 __attribute__((target("avx2")))
#define RIDE_INLINE __attribute__((always_inline)) inline
#else
#define RIDE_AVX2
#define RIDE_INLINE inline
#endif

namespace ride::tasks {

inline bool has_avx2() {
#if defined(__x86_64__) && defined(__GNUC__)
  static const bool kHas = __builtin_cpu_supports("avx2") != 0;
  return kHas;
#else
  return false;
#endif
}

}  // namespace ride::tasks

// A function of this name: NAME_in, which is RIDE_INLINE, once for AVX2 and once without.
// NOLINTBEGIN(bugprone-macro-parentheses): lists of parameters and of arguments.
#define RIDE_TWICE(name, parameters, arguments)                  \
  namespace {                                                    \
  RIDE_AVX2 void name##_avx2 parameters { name##_in arguments; } \
  void name##_any parameters { name##_in arguments; }            \
  }                                                              \
  void name parameters { (has_avx2() ? name##_avx2 : name##_any) arguments; }
// NOLINTEND(bugprone-macro-parentheses)
