#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "kube/transfer.h"

namespace simgpu::fuzz {

/// An answer as it comes over the network: the lines of its head, with their ends, up to the first that is empty, and
/// its body.
struct Exchange {
  std::vector<std::string_view> head;
  std::string_view body;
};

inline Exchange exchangeOf(std::string_view text) {
  Exchange exchange;
  bool headEnded = false;
  while (!text.empty() && !headEnded) {
    std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    text.remove_prefix(line.size());
    exchange.head.push_back(line);
    headEnded = line == "\r\n" || line == "\n";
  }
  exchange.body = text;
  return exchange;
}

/// Feeds a transfer as curl does, the body in pieces of so many bytes. False if the transfer broke it off.
inline bool feed(kube::Transfer& transfer, const Exchange& exchange, std::size_t piece) {
  const base::Clock::TimePoint now;
  for (std::string_view line : exchange.head) {
    transfer.header(line, now);
  }
  for (std::string_view rest = exchange.body; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
    if (!transfer.body(rest.substr(0, piece), now)) {
      return false;
    }
  }
  return true;
}

}  // namespace simgpu::fuzz
