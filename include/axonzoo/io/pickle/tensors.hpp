#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle/document.hpp>

namespace axonzoo::detail {

inline std::int64_t pickled_count(const pickle_document& document, pickle_place place, const char* of) {
  const auto* count = document.get<std::int64_t>(place);
  if (count == nullptr || *count < 0 || *count > std::int64_t{1} << 60)
    throw unreadable(std::string("it has a tensor with an impossible ") + of);
  return *count;
}

inline std::vector<std::int64_t> pickled_counts(const pickle_document& document, pickle_place place, const char* of) {
  const auto* sequence = document.get<pickle_sequence>(place);
  if (sequence == nullptr || sequence->items.size() > most_tensor_sides)
    throw unreadable(std::string("it has a tensor with an impossible ") + of);
  std::vector<std::int64_t> counts;
  for (const pickle_place item : sequence->items) counts.push_back(pickled_count(document, item, of));
  return counts;
}

/// What torch.save writes for a storage: ("storage", class, key, device, count), of which older versions have a sixth part,
/// (key, first, count) of a view or None.
inline pickle_storage pickled_storage(const pickle_document& document, pickle_place place) {
  const auto* parts = document.get<pickle_sequence>(place);
  const auto refuse = [] { throw unreadable("it refers to something outside itself that is not a tensor's storage"); };
  if (parts == nullptr || parts->items.size() < 5 || parts->items.size() > 6) refuse();
  const auto& items = parts->items;
  const auto *word = document.get<pickle_text>(items[0]), *key = document.get<pickle_text>(items[2]);
  const auto* name = document.get<pickle_name>(items[1]);
  if (word == nullptr || word->utf8 != "storage" || name == nullptr || key == nullptr) refuse();
  pickle_storage storage{find_storage_type(name->name.substr(name->name.rfind('.') + 1)), key->utf8};
  if (storage.type == nullptr) throw unreadable("it has a storage of '" + printable(name->name) + "', which is not supported");
  storage.count = static_cast<std::uint64_t>(pickled_count(document, items[4], "storage"));
  storage.end = storage.count;
  if (items.size() == 6 && document.get<pickle_none>(items[5]) == nullptr) {
    const auto* view = document.get<pickle_sequence>(items[5]);
    if (view == nullptr || view->items.size() != 3) refuse();
    storage.first = static_cast<std::uint64_t>(pickled_count(document, view->items[1], "view of a storage"));
    storage.end = storage.first + static_cast<std::uint64_t>(pickled_count(document, view->items[2], "view of a storage"));
    if (storage.end > storage.count) throw unreadable("it has a view that goes beyond its storage");
  }
  return storage;
}

/// Values that a shape has; nothing where they are more than can be.
inline std::optional<std::uint64_t> count_of(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t side : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(side), &count)) return std::nullopt;
  }
  return count <= std::uint64_t{1} << 60 ? std::optional(count) : std::nullopt;
}

/// Values of a storage from the tensor's first to its last, both included: 1 + sum (side - 1) stride.
inline std::optional<std::uint64_t> span_of(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  std::uint64_t span = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    std::uint64_t step = 0;
    if (__builtin_mul_overflow(static_cast<std::uint64_t>(shape[i] - 1), static_cast<std::uint64_t>(strides[i]), &step) ||
        __builtin_add_overflow(span, step, &span))
      return std::nullopt;
  }
  return span;
}

/// What torch._utils._rebuild_tensor and its later versions make of (storage, offset, shape, strides, ...). `type` is that of the
/// storage where null.
inline pickle_tensor pickled_tensor(const pickle_document& document, const std::vector<pickle_place>& parts,
                                    const tensor_type* type) {
  const auto* storage = parts.size() < 4 ? nullptr : document.get<pickle_storage>(parts[0]);
  if (storage == nullptr) throw unreadable("it has a tensor without a storage");
  pickle_tensor tensor{parts[0], type == nullptr ? storage->type : type,
                       static_cast<std::uint64_t>(pickled_count(document, parts[1], "offset")),
                       pickled_counts(document, parts[2], "shape"), pickled_counts(document, parts[3], "stride")};
  if (tensor.shape.size() != tensor.strides.size()) throw unreadable("it has a tensor with more sides than strides, or fewer");
  const auto span = span_of(tensor.shape, tensor.strides);
  if (!count_of(tensor.shape) || !span) throw unreadable("it has a tensor of an absurdly large shape");
  const std::uint64_t seen = (storage->end - storage->first) * storage->type->bytes / tensor.type->bytes;
  if (tensor.offset > seen || *span > seen - tensor.offset)
    throw unreadable("it has a tensor whose shape, strides and offset go beyond its storage '" + printable(storage->key) + "'");
  tensor.offset += storage->first * storage->type->bytes / tensor.type->bytes;
  return tensor;
}

}  // namespace axonzoo::detail
