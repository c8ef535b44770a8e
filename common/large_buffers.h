// Heap settings of processes that move pictures. glibc gives large freed blocks back to the kernel at once and gets
// them again with every page cleared: measured, over half of a Kafka client thread's time when frames of 0.8 MB are
// fetched in responses of some megabytes (bench/run floor). Kept for reuse instead. Price: resident memory stays at its
// peak. Call once, first in main(), before threads start. Does nothing with another C library.
#pragma once

namespace ride {

void keep_large_buffers();

}  // namespace ride
