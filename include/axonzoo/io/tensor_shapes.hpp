#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <axonzoo/core/error.hpp>
#include <axonzoo/io/unreadable.hpp>

namespace axonzoo {

/// Names of tensors and their shapes.
using tensor_shapes = std::map<std::string, std::vector<std::int64_t>>;

/// "3x16x16"; "a number" for a shape without sides.
[[nodiscard]] inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t side : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(side);
  }
  return text.empty() ? "a number" : text;
}

/// Throws one sentence where the tensors of `origin` ("'a.pth'") are others than `what` ("SAM ViT-B") expects: how many are
/// missing, surplus or of another shape, and the first three of each.
inline void require_shapes(const tensor_shapes& given, const tensor_shapes& expected, const std::string& origin,
                           const std::string& what) {
  struct list {
    std::size_t count = 0;
    std::string text;
    void add(const std::string& item) {
      if (count++ < 3) text += (text.empty() ? "" : ", ") + item;
    }
    [[nodiscard]] std::string said() const { return std::to_string(count) + " (" + text + (count > 3 ? ", ..." : "") + ")"; }
  } missing, surplus, misshapen;
  for (const auto& [name, shape] : expected) {
    const auto found = given.find(name);
    if (found == given.end()) {
      missing.add(printable(name));
    } else if (found->second != shape) {
      misshapen.add(printable(name) + " is " + shape_text(found->second) + " instead of " + shape_text(shape));
    }
  }
  for (const auto& [name, shape] : given) {
    if (!expected.contains(name)) surplus.add(printable(name));
  }
  std::string wrong;
  const auto say = [&](const char* head, const list& of) {
    if (of.count > 0) wrong += (wrong.empty() ? "" : ", ") + std::string(head) + of.said();
  };
  say("missing ", missing);
  say("surplus ", surplus);
  say("of another shape ", misshapen);
  if (!wrong.empty())
    throw error("cannot load weights from " + origin + " into " + what, "tensors " + wrong, "give weights of this model");
}

}  // namespace axonzoo
