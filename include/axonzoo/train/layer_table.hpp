#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// Parameters that are not zero.
inline std::int64_t nonzero_count(const network& net) {
  std::int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.detach().count_nonzero().item<std::int64_t>();
  return count;
}

/// The filters and matrices of a network before and after pruning: an array of `name`, `before` and `after` (shapes), and `nonzero` (values of
/// the latter that are not zero).
inline nlohmann::json layer_table(const network& before, const network& after) {
  nlohmann::json rows = nlohmann::json::array();
  const auto whole = before.named_parameters(), left = after.named_parameters();
  for (const auto& item : whole) {
    const auto* found = left.find(item.key());
    if (found == nullptr || item.value().dim() < 2) continue;
    rows.push_back({{"name", item.key()}, {"before", item.value().sizes().vec()}, {"after", found->sizes().vec()},
                    {"nonzero", found->detach().count_nonzero().item<std::int64_t>()}});
  }
  return rows;
}

/// Prints the rows that pruning changed; nothing where it changed none.
inline void print_layers(const nlohmann::json& rows, std::ostream& out) {
  const auto shape = [](const nlohmann::json& sizes) {
    std::string text;
    for (const auto& size : sizes) text += (text.empty() ? "" : " x ") + size.dump();
    return text;
  };
  std::vector<std::array<std::string, 4>> lines;
  for (const auto& row : rows) {
    std::int64_t before = 1;
    for (const auto& size : row.at("before")) before *= size.get<std::int64_t>();
    const auto nonzero = row.at("nonzero").get<std::int64_t>();
    if (row.at("before") == row.at("after") && nonzero == before) continue;
    if (lines.empty()) lines.push_back({"layer", "before", "after", "weights left"});
    std::array<char, 32> share{};
    std::snprintf(share.data(), share.size(), "%.1f %%", 100.0 * static_cast<double>(nonzero) / static_cast<double>(before));
    lines.push_back({row.at("name").get<std::string>(), shape(row.at("before")), shape(row.at("after")), share.data()});
  }
  std::array<std::size_t, 3> widths{};
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < widths.size(); ++c) widths[c] = std::max(widths[c], line[c].size() + 2);
  }
  for (const auto& line : lines) {
    for (std::size_t c = 0; c < widths.size(); ++c) out << line[c] << std::string(widths[c] - line[c].size(), ' ');
    out << line[3] << '\n';
  }
}

}  // namespace axonzoo
