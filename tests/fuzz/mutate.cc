#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace ride::fuzz {
namespace {

constexpr std::array<const char*, 32> kNumbers = {"0",
                                                  "1",
                                                  "-1",
                                                  "2",
                                                  "3",
                                                  "7",
                                                  "100",
                                                  "127",
                                                  "128",
                                                  "255",
                                                  "256",
                                                  "4096",
                                                  "32767",
                                                  "65535",
                                                  "65536",
                                                  "1000000",
                                                  "1000001",
                                                  "16777216",
                                                  "2000000000",
                                                  "2147483647",
                                                  "2147483648",
                                                  "-2147483648",
                                                  "4294967295",
                                                  "4294967296",
                                                  "9007199254740993",
                                                  "9223372036854775806",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "9223372036854775808",
                                                  "99999999999999999999",
                                                  "1e300",
                                                  "0.5"};
constexpr std::array<const char*, 30> kSnippets = {
    "{",   "}",  "[",   "]",  ":",  ",",     "\"",    "'",        "\n",      "\n--\n",
    "/",   "..", "../", "%",  "\\", "\\x00", "\\xff", "null",     "true",    "${X}",
    "&a ", "*a", "- ",  "  ", "=",  "@",     "#",     "\xC3\xA9", "\x1b[2J", "1/2/0/100"};

std::size_t below(Random& random, std::size_t end) { return end == 0 ? 0 : random() % end; }

struct Piece {
  std::size_t at = 0, size = 0;
};

template <class Belongs>
std::vector<Piece> pieces_of(const std::string& text, Belongs belongs) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!belongs(text[i])) continue;
    if (!pieces.empty() && pieces.back().at + pieces.back().size == i)
      ++pieces.back().size;
    else
      pieces.push_back({i, 1});
  }
  return pieces;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.'; }
bool is_of_line(char c) { return c != '\n'; }

void change_number(std::string& text, Random& random) {
  const auto numbers = pieces_of(text, is_digit);
  if (numbers.empty()) return;
  auto [at, size] = numbers[below(random, numbers.size())];
  std::string other = kNumbers[below(random, kNumbers.size())];
  if (below(random, 3) == 0) {  // a neighbour
    const auto value = std::stoull(text.substr(at, std::min<std::size_t>(size, 18)));
    other = std::to_string(value + below(random, 5) - 2);
  } else if (below(random, 4) == 0) {  // another number of the text
    const auto [from, length] = numbers[below(random, numbers.size())];
    other = text.substr(from, length);
  }
  if (at > 0 && text[at - 1] == '-') --at, ++size;
  text.replace(at, size, other);
}

void change_word(std::string& text, Random& random) {
  const auto words = pieces_of(text, is_of_word);
  if (words.empty()) return;
  const auto [at, size] = words[below(random, words.size())];
  const auto [from, length] = words[below(random, words.size())];
  const auto other = text.substr(from, length);
  if (below(random, 8) == 0)
    text.insert(at, other);
  else
    text.replace(at, size, other);
}

// Copies, moves or drops a few lines: a sequence of records in another order.
void change_lines(std::string& text, Random& random) {
  const auto lines = pieces_of(text, is_of_line);
  if (lines.empty()) return;
  const auto first = below(random, lines.size()), last = std::min(first + below(random, 6), lines.size() - 1);
  const auto begin = lines[first].at, end = std::min(lines[last].at + lines[last].size + 1, text.size());
  const auto cut = text.substr(begin, end - begin);
  const auto kind = below(random, 3);
  if (kind != 0) text.erase(begin, end - begin);
  if (kind != 1) {
    const auto rest = pieces_of(text, is_of_line);
    const auto to = rest.empty() ? 0 : rest[below(random, rest.size())].at;
    text.insert(to, cut.ends_with('\n') ? cut : cut + '\n');
  }
}

void change_bytes(std::string& text, Random& random) {
  const auto at = below(random, text.size() + 1);
  switch (below(random, 5)) {
    case 0:
      text.insert(at, kSnippets[below(random, kSnippets.size())]);
      break;
    case 1:
      text.erase(at, 1 + below(random, 8));
      break;
    case 2:
      if (at < text.size()) text[at] = static_cast<char>(random());
      break;
    case 3:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
      break;
    case 4: {  // many times the same: depth, counts
      const auto piece = text.substr(at, 1 + below(random, 12));
      std::string many;
      for (auto left = below(random, 200); left > 0; --left) many += piece;
      text.insert(at, many);
      break;
    }
  }
}

}  // namespace

std::string mutate(std::string text, std::size_t most_bytes, Random& random) {
  for (auto left = 1 + below(random, 4); left > 0; --left) {
    switch (below(random, 7)) {
      case 0:
      case 1:
        change_number(text, random);
        break;
      case 2:
      case 3:
        change_word(text, random);
        break;
      case 4:
        change_lines(text, random);
        break;
      default:
        change_bytes(text, random);
        break;
    }
  }
  if (text.size() > most_bytes) text.resize(most_bytes);
  return text;
}

}  // namespace ride::fuzz
