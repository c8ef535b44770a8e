#include "topology/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/environment.h"

namespace ride::topology {
namespace {

constexpr char kVariable = '\x01';  // stands for a variable's value in a flattened template

bool is_port(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == kVariable; });
}

// The '@' that closes the credentials of the authority at `start`. A password may hold '/' by mistake: then what stands
// before the slash has a "port" that is no number.
std::size_t find_at(std::string_view text, std::size_t start, std::size_t end) {
  const std::string_view url = text.substr(start, end - start);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  if (at == std::string_view::npos && colon != std::string_view::npos && !authority.starts_with('[') &&
      !authority.starts_with("${") && !is_port(authority.substr(colon + 1))) {
    at = url.rfind('@');
  }
  return at == std::string_view::npos ? std::string_view::npos : start + at;
}

void add_password(std::string_view text, std::size_t start, std::size_t end, std::vector<Span>& spans) {
  const std::size_t at = find_at(text, start, end);
  if (at == std::string_view::npos) return;
  // The ':' of a default ("${A:-b}") is no separator.
  int depth = 0;
  for (std::size_t i = start; i < at; ++i) {
    if (text.substr(i, 2) == "${") ++depth;
    if (text[i] == '}' && depth > 0) --depth;
    if (text[i] != ':' || depth > 0) continue;
    if (i + 1 < at) spans.push_back({i + 1, at});
    return;
  }
  if (start < at) spans.push_back({start, at});  // no password: many services take a token there
}

bool is_secret_key(std::string_view key) {
  static constexpr std::array kKeys = {"password", "passwd",    "pass",          "pwd",       "token", "access_token",
                                       "secret",   "apikey",    "api_key",       "api-key",   "auth",  "key",
                                       "sig",      "signature", "authorization", "passphrase"};
  std::string lower;
  for (const char c : key) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kKeys.begin(), kKeys.end(), lower) != kKeys.end();
}

void add_query_values(std::string_view text, std::size_t start, std::size_t end, std::vector<Span>& spans) {
  std::size_t i = text.find('?', start);
  while (i < end) {
    const std::size_t key = i + 1;
    const std::size_t stop = std::min(text.find_first_of("&;#\"' ", key), end);
    const std::size_t equals = text.find('=', key);
    if (equals < stop && equals + 1 < stop && is_secret_key(text.substr(key, equals - key))) {
      spans.push_back({equals + 1, stop});
    }
    if (stop >= end || (text[stop] != '&' && text[stop] != ';')) break;
    i = stop;
  }
}

}  // namespace

std::vector<Span> secret_spans(std::string_view text) {
  std::vector<Span> spans;
  for (std::size_t scheme = text.find("://"); scheme != std::string_view::npos; scheme = text.find("://", scheme + 3)) {
    const std::size_t start = scheme + 3;
    const std::size_t end = std::min(text.find_first_of("\"'\n", start), text.size());
    add_password(text, start, end, spans);
    add_query_values(text, start, end, spans);
  }
  return spans;
}

bool has_literal_secret(std::string_view uri_template) {
  const auto parts = parse_template(uri_template);
  if (!parts.ok()) return !secret_spans(uri_template).empty();
  std::string flat;
  for (const auto& part : *parts) flat += part.variable ? part.fallback.value_or(std::string(1, kVariable)) : part.text;
  for (const Span& span : secret_spans(flat)) {
    for (std::size_t i = span.begin; i < span.end; ++i) {
      if (flat[i] != kVariable) return true;
    }
  }
  return false;
}

std::string mask_secrets(std::string_view text) {
  std::string masked(text);
  for (const Span& span : secret_spans(text)) {
    for (std::size_t i = span.begin; i < span.end; ++i) {
      const std::size_t close = text.substr(i, 2) == "${" ? text.find('}', i) : std::string_view::npos;
      const bool plain_variable = close < span.end && text.substr(i, close - i).find(":-") == std::string_view::npos;
      if (plain_variable) {
        i = close;
      } else if ((static_cast<unsigned char>(masked[i]) & 0xC0u) != 0x80u) {
        masked[i] = '*';  // one star a character: continuation bytes are taken out below
      } else {
        masked[i] = '\0';
      }
    }
  }
  std::erase(masked, '\0');
  return masked;
}

}  // namespace ride::topology
