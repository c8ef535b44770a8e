#include "common/large_buffers.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace ride {

void keep_large_buffers() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);   // the most that glibc takes; larger blocks still go back at once
  mallopt(M_TRIM_THRESHOLD, 512 << 20);  // free memory at the heap's end that is kept
  mallopt(M_ARENA_MAX, 1);               // the other arenas give back what is empty, whatever the threshold
#endif
}

}  // namespace ride
