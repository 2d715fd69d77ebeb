#pragma once

#include <cstdint>
#include <iomanip>
#include <ostream>
#include <string>

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
  bool first = true;
  for (const auto& row : rows) {
    std::int64_t before = 1;
    for (const auto& size : row.at("before")) before *= size.get<std::int64_t>();
    const auto nonzero = row.at("nonzero").get<std::int64_t>();
    if (row.at("before") == row.at("after") && nonzero == before) continue;
    if (first) out << std::left << std::setw(28) << "layer" << std::setw(24) << "before" << std::setw(24) << "after" << "weights left\n";
    first = false;
    out << std::left << std::setw(28) << row.at("name").get<std::string>() << std::setw(24) << shape(row.at("before")) << std::setw(24) << shape(row.at("after"))
        << std::fixed << std::setprecision(1) << 100.0 * static_cast<double>(nonzero) / static_cast<double>(before) << " %\n";
  }
  out.unsetf(std::ios::floatfield);
}

}  // namespace axonzoo
