#include "common/units.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace ride {
namespace {

struct Quantity {
  double number = 0;
  std::optional<std::int64_t> whole;  // set when written without a fraction: exact beyond 2^53
  std::string_view unit;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "<digits>[.<digits>][spaces]<unit>", blanks around it ignored.
std::optional<Quantity> split_quantity(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  std::size_t end = 0;
  while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
  const std::string_view digits = text.substr(0, end);
  if (digits.empty() || digits.front() == '.' || digits.back() == '.') return std::nullopt;
  Quantity quantity;
  const auto parsed = std::from_chars(digits.data(), digits.data() + end, quantity.number, std::chars_format::fixed);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + end) return std::nullopt;
  std::int64_t whole = 0;
  const auto exact = std::from_chars(digits.data(), digits.data() + end, whole);
  if (exact.ec == std::errc{} && exact.ptr == digits.data() + end) quantity.whole = whole;
  quantity.unit = text.substr(end);
  while (!quantity.unit.empty() && quantity.unit.front() == ' ') quantity.unit.remove_prefix(1);
  return quantity;
}

// number x factor as an integer; nothing when it overflows or is not whole (`round`: rounds instead).
std::optional<std::int64_t> scaled(const Quantity& quantity, std::int64_t factor, bool round) {
  std::int64_t exact = 0;
  if (quantity.whole) {
    if (__builtin_mul_overflow(*quantity.whole, factor, &exact)) return std::nullopt;
    return exact;
  }
  const double product = quantity.number * static_cast<double>(factor);
  if (!(product < 9.2e18)) return std::nullopt;
  const double nearest_whole = std::round(product);
  if (!round && std::abs(product - nearest_whole) > 1e-6) return std::nullopt;
  return static_cast<std::int64_t>(nearest_whole);
}

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::int64_t kKi = 1024;
constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"B", 1},
                                              {"KB", 1000},
                                              {"MB", 1000LL * 1000},
                                              {"GB", 1000LL * 1000 * 1000},
                                              {"TB", 1000LL * 1000 * 1000 * 1000},
                                              {"KiB", kKi},
                                              {"MiB", kKi* kKi},
                                              {"GiB", kKi* kKi* kKi},
                                              {"TiB", kKi* kKi* kKi* kKi}}};
// Who adds it to a clock that counts nanoseconds must not overflow.
constexpr std::int64_t kLongestDurationMs = 36'500LL * 24 * 3600 * 1000;
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60LL * 1000}, {"h", 3600LL * 1000}, {"d", 24LL * 3600 * 1000}}};

}  // namespace

Result<ByteSize> parse_byte_size(std::string_view text) {
  constexpr auto kHint = "write a number and a unit: B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, for example 2GiB";
  const auto quantity = split_quantity(text);
  if (!quantity) return invalid_argument(fmt::format("'{}' is not a size; {}", text, kHint));
  for (const Unit& unit : kByteUnits) {
    if (unit.name != quantity->unit) continue;
    const auto bytes = scaled(*quantity, unit.factor, true);
    if (!bytes) return invalid_argument(fmt::format("the size '{}' is too large", text));
    return ByteSize{*bytes};
  }
  return invalid_argument(fmt::format("'{}' has the unknown unit '{}'; {}", text, quantity->unit, kHint));
}

std::string format_byte_size(ByteSize size) {
  for (auto unit = kByteUnits.rbegin(); unit->name.size() == 3; ++unit) {
    if (size.bytes != 0 && size.bytes % unit->factor == 0)
      return fmt::format("{}{}", size.bytes / unit->factor, unit->name);
  }
  for (std::size_t i = 5; i >= 2; --i) {
    if (std::abs(size.bytes) < kByteUnits[i].factor) continue;
    return fmt::format("{:.1f}{}", static_cast<double>(size.bytes) / static_cast<double>(kByteUnits[i].factor),
                       kByteUnits[i].name);
  }
  return fmt::format("{}B", size.bytes);
}

Result<milliseconds> parse_duration(std::string_view text) {
  constexpr auto kHint = "write a number and a unit: ms, s, m, h or d, for example 10s";
  const auto quantity = split_quantity(text);
  if (!quantity) return invalid_argument(fmt::format("'{}' is not a duration; {}", text, kHint));
  if (quantity->unit.empty()) return invalid_argument(fmt::format("'{}' has no unit; {}", text, kHint));
  for (const Unit& unit : kTimeUnits) {
    if (unit.name != quantity->unit) continue;
    const auto count = scaled(*quantity, unit.factor, false);
    if (!count || *count > kLongestDurationMs)
      return invalid_argument(
          fmt::format("the duration '{}' is longer than a hundred years, or finer than 1 ms", text));
    return milliseconds(*count);
  }
  return invalid_argument(fmt::format("'{}' has the unknown unit '{}'; {}", text, quantity->unit, kHint));
}

std::string format_duration(milliseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0ms";
  for (auto unit = kTimeUnits.rbegin(); unit != kTimeUnits.rend(); ++unit) {
    if (count % unit->factor == 0 && unit->factor > 1) return fmt::format("{}{}", count / unit->factor, unit->name);
  }
  if (std::abs(count) < 1000) return fmt::format("{}ms", count);
  std::string seconds = fmt::format("{}{}.{:03}", count < 0 ? "-" : "", std::abs(count) / 1000, std::abs(count) % 1000);
  while (seconds.back() == '0') seconds.pop_back();
  return seconds + "s";
}

// A year has four digits in RFC 3339: what lies beyond is shown as the first or the last moment that can be written.
std::string format_time(SystemTime time) {
  using namespace std::chrono;
  constexpr SystemTime kFirst = sys_days(year{0} / 1 / 1), kBehind = sys_days(year{10'000} / 1 / 1);
  time = std::clamp(time, kFirst, kBehind - microseconds(1));
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

namespace {

// Takes `count` digits and, if `after` is not 0, that separator behind them.
bool consume(std::string_view& text, std::size_t count, char after, int& value) {
  if (text.size() < count + (after ? 1 : 0)) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  if (after && text[count] != after && !(after == 'T' && (text[count] == 't' || text[count] == ' '))) return false;
  text.remove_prefix(count + (after ? 1 : 0));
  return true;
}

// ".25" in microseconds; digits beyond the sixth are cut off.
bool consume_fraction(std::string_view& text, int& micros) {
  micros = 0;
  if (text.empty() || text.front() != '.') return true;
  text.remove_prefix(1);
  std::size_t digits = 0;
  for (int weight = 100000; digits < text.size() && is_digit(text[digits]); ++digits, weight /= 10) {
    micros += weight * (text[digits] - '0');
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool consume_zone(std::string_view& text, std::chrono::minutes& offset) {
  if (text == "Z" || text == "z") return true;
  if (text.size() != 6 || (text.front() != '+' && text.front() != '-')) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!consume(text, 2, ':', hours) || !consume(text, 2, 0, minutes) || hours > 23 || minutes > 59) return false;
  offset = std::chrono::minutes(sign * (hours * 60 + minutes));
  return true;
}

}  // namespace

Result<SystemTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto bad = [&] {
    return invalid_argument(fmt::format("'{}' is not a time; write it as 2026-11-21T08:00:00Z (RFC 3339)", text));
  };
  std::string_view rest = text;
  int year_n = 0, month_n = 0, day_n = 0, hour = 0, minute = 0, second = 0, micros = 0;
  minutes offset{0};
  const bool shaped = consume(rest, 4, '-', year_n) && consume(rest, 2, '-', month_n) && consume(rest, 2, 'T', day_n) &&
                      consume(rest, 2, ':', hour) && consume(rest, 2, ':', minute) && consume(rest, 2, 0, second) &&
                      consume_fraction(rest, micros) && consume_zone(rest, offset);
  if (!shaped || hour > 23 || minute > 59 || second > 60) return bad();
  const year_month_day date{year{year_n}, month{static_cast<unsigned>(month_n)}, day{static_cast<unsigned>(day_n)}};
  if (!date.ok()) return bad();
  return SystemTime(sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + seconds(second) +
                    microseconds(micros) - offset);
}

SystemTime system_now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

}  // namespace ride
