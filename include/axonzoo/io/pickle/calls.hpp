#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle/tensors.hpp>
#include <axonzoo/io/utf8.hpp>

namespace axonzoo::detail {

using pickle_arguments = std::vector<pickle_place>;

[[noreturn]] inline void refuse_call(std::string_view name) {
  throw unreadable("it calls '" + printable(name) + "', which is not a tensor",
                   "save the state dict alone, with torch.save(model.state_dict(), path)");
}
[[noreturn]] inline void refuse_arguments(std::string_view name) {
  throw unreadable("it calls '" + printable(name) + "' with other arguments than torch.save writes");
}

inline pickle_value call_ordered_dict(const pickle_document& document, const pickle_arguments& given) {
  pickle_dict dict;
  if (given.empty()) return dict;
  const auto* pairs =
      given.size() == 1 ? document.get<pickle_sequence>(given[0]) : nullptr;  // Python 2 wrote [[key, value], ...]
  if (pairs == nullptr) refuse_arguments("collections.OrderedDict");
  for (const pickle_place place : pairs->items) {
    const auto* pair = document.get<pickle_sequence>(place);
    if (pair == nullptr || pair->items.size() != 2) refuse_arguments("collections.OrderedDict");
    dict.items.emplace_back(pair->items[0], pair->items[1]);
  }
  return dict;
}

inline pickle_value call_sequence(const pickle_document& document, const pickle_arguments& given,
                                  enum pickle_sequence::kind kind) {
  if (given.empty()) return pickle_sequence{kind, {}};
  const auto* items = given.size() == 1 ? document.get<pickle_sequence>(given[0]) : nullptr;
  if (items == nullptr) refuse_arguments(kind == pickle_sequence::kind::set ? "set" : "torch.Size");
  return pickle_sequence{kind, items->items};
}
inline pickle_value call_set(const pickle_document& document, const pickle_arguments& given) {
  return call_sequence(document, given, pickle_sequence::kind::set);
}
inline pickle_value call_size(const pickle_document& document, const pickle_arguments& given) {
  return call_sequence(document, given, pickle_sequence::kind::tuple);
}

/// Bytes before protocol 3: their text, as Latin-1.
inline pickle_value call_encode(const pickle_document& document, const pickle_arguments& given) {
  if (given.empty()) return pickle_bytes{};
  if (const auto* bytes = document.get<pickle_bytes>(given[0]); bytes != nullptr && given.size() == 1) return *bytes;
  const auto *text = document.get<pickle_text>(given[0]), *as = given.size() == 2 ? document.get<pickle_text>(given[1]) : nullptr;
  if (text == nullptr || as == nullptr || (as->utf8 != "latin1" && as->utf8 != "latin-1")) refuse_arguments("_codecs.encode");
  const auto bytes = latin1_of(text->utf8);
  if (!bytes) refuse_arguments("_codecs.encode");
  return pickle_bytes{*bytes};
}

/// torch.device("cuda", 0) as the text "cuda": where a tensor was is not kept.
inline pickle_value call_device(const pickle_document& document, const pickle_arguments& given) {
  const auto* text = given.empty() ? nullptr : document.get<pickle_text>(given[0]);
  if (text == nullptr) refuse_arguments("torch.device");
  return *text;
}

inline pickle_value call_tensor(const pickle_document& document, const pickle_arguments& given) {
  // _rebuild_tensor_v2 has a seventh argument where a tensor is to be conjugated or negated when it is read
  if (given.size() < 4 || given.size() > 7) refuse_arguments("torch._utils._rebuild_tensor");
  if (given.size() == 7) {
    const auto* flags = document.get<pickle_dict>(given[6]);
    if (document.get<pickle_none>(given[6]) == nullptr && (flags == nullptr || !flags->items.empty()))
      throw unreadable("it has a tensor that is to be conjugated or negated", "save it again after tensor.resolve_conj()");
  }
  return pickled_tensor(document, given, nullptr);
}
inline pickle_value call_tensor_v3(const pickle_document& document, const pickle_arguments& given) {
  const auto* dtype = given.size() == 7 ? document.get<pickle_name>(given[6]) : nullptr;
  if (dtype == nullptr || !dtype->name.starts_with("torch.")) refuse_arguments("torch._utils._rebuild_tensor_v3");
  const tensor_type* type = find_tensor_type(std::string_view(dtype->name).substr(6));
  if (type == nullptr) refuse_arguments("torch._utils._rebuild_tensor_v3");
  return pickled_tensor(document, given, type);
}
inline pickle_value call_parameter(const pickle_document& document, const pickle_arguments& given) {
  const auto* tensor = given.empty() || given.size() > 4 ? nullptr : document.get<pickle_tensor>(given[0]);
  if (tensor == nullptr) refuse_arguments("torch._utils._rebuild_parameter");
  return *tensor;
}
inline pickle_value call_from_type(const pickle_document& document, const pickle_arguments& given);

struct pickle_call {
  std::string_view name;
  pickle_value (*make)(const pickle_document&, const pickle_arguments&);
};

/// All that a pickle may call. None of it is run: each makes plain data or the description of a tensor.
inline constexpr pickle_call pickle_calls[] = {{"collections.OrderedDict", call_ordered_dict},
                                               {"builtins.set", call_set},
                                               {"builtins.frozenset", call_set},
                                               {"builtins.bytes", call_encode},
                                               {"builtins.bytearray", call_encode},
                                               {"_codecs.encode", call_encode},
                                               {"torch.Size", call_size},
                                               {"torch.device", call_device},
                                               {"torch._utils._rebuild_tensor", call_tensor},
                                               {"torch._utils._rebuild_tensor_v2", call_tensor},
                                               {"torch._utils._rebuild_tensor_v3", call_tensor_v3},
                                               {"torch._utils._rebuild_parameter", call_parameter},
                                               {"torch._utils._rebuild_parameter_with_state", call_parameter},
                                               {"torch._tensor._rebuild_from_type_v2", call_from_type}};

inline const pickle_call* find_pickle_call(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(pickle_calls), std::end(pickle_calls), [&](const auto& each) { return each.name == name; });
  return found == std::end(pickle_calls) ? nullptr : found;
}

/// A tensor with attributes: (what makes it, its class, what that takes, the attributes, which are not kept).
inline pickle_value call_from_type(const pickle_document& document, const pickle_arguments& given) {
  const auto* maker = given.size() == 4 ? document.get<pickle_name>(given[0]) : nullptr;
  const auto* parts = maker == nullptr ? nullptr : document.get<pickle_sequence>(given[2]);
  if (parts == nullptr || !maker->name.starts_with("torch._utils._rebuild_"))
    refuse_arguments("torch._tensor._rebuild_from_type_v2");
  return find_pickle_call(maker->name)->make(document, parts->items);
}

/// Whether a pickle may name this without calling it: types of numbers and of storages, and the classes of tensors.
inline bool is_pickle_name(std::string_view name) {
  if (name == "torch.Tensor" || name == "torch.nn.parameter.Parameter") return true;
  if (name == "torch.storage.UntypedStorage") return true;
  if (!name.starts_with("torch.")) return false;
  name.remove_prefix(6);
  return find_tensor_type(name) != nullptr || find_storage_type(name) != nullptr;
}

}  // namespace axonzoo::detail
