// Inner loops over rows of floats among which there may be NaN and infinities. Compiled with vector instructions, as
// those of pixel_rows.h, but by the rules of such numbers; the same bits on each machine. Pure. Internal to this
// folder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ride::tasks {

// |re + i im| of `count` complex numbers, into the first half of their own memory. In doubles: the squares of what a
// float holds need not fit into one.
void magnitudes_of(float* complex, std::size_t count);

// The least and the largest of the finite values, and of what is there already.
void add_to_range(const float* values, std::size_t count, float& least, float& largest);

// scale * (value - least), rounded and cut to 0 to 255, in doubles; NaN: 0.
void view_of_row(const float* values, double least, double scale, std::uint8_t* to, std::size_t count);

// weight * value, and that of two values each added to what is there.
void weighted(const float* values, float weight, float* to, std::size_t count);
void add_weighted(const float* one, const float* other, float weight, float* to, std::size_t count);

}  // namespace ride::tasks
