#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <axonzoo/io/pickle/document.hpp>

namespace axonzoo::detail {

/// Entries that training programs keep a state dict in; the first that holds tensors is taken.
inline constexpr std::string_view state_dict_wrappers[] = {"model_state", "state_dict", "model_state_dict", "model"};

struct chosen_state_dict {
  std::string wrapper;
  std::vector<std::string> parts;
  std::vector<std::pair<std::string, pickle_place>> tensors;
};

/// Walks what a pickle holds. Values are shared, so that few may stand for very many: the steps are counted.
class state_dict_walk {
 public:
  explicit state_dict_walk(const pickle_document& document) : document_(document) {}

  /// The tensors under a value, their names joined with dots; whatever else stands there is passed over.
  std::vector<std::pair<std::string, pickle_place>> flatten(pickle_place from) {
    std::vector<std::pair<std::string, pickle_place>> found;
    collect(from, "", 0, found);
    std::set<std::string_view> names;
    for (const auto& [name, place] : found) {
      if (!names.insert(name).second) throw unreadable("it names '" + printable(name) + "' twice");
    }
    return found;
  }

  bool holds_tensors(pickle_place from, int depth = 0) {
    step(depth);
    if (document_.get<pickle_tensor>(from) != nullptr) return true;
    if (const auto* dict = document_.get<pickle_dict>(from))
      return std::any_of(dict->items.begin(), dict->items.end(),
                         [&](const auto& item) { return holds_tensors(item.second, depth + 1); });
    if (const auto* sequence = document_.get<pickle_sequence>(from))
      return std::any_of(sequence->items.begin(), sequence->items.end(),
                         [&](auto item) { return holds_tensors(item, depth + 1); });
    return false;
  }

  [[nodiscard]] std::string key(pickle_place place) const {
    if (const auto* text = document_.get<pickle_text>(place)) return text->utf8;
    if (const auto* number = document_.get<std::int64_t>(place)) return std::to_string(*number);
    throw unreadable("it has a dict of tensors whose keys are not text");
  }

 private:
  void step(int depth) {
    if (depth > 32) throw unreadable("its state dict nests too deep");
    if (++steps_ > most_pickle_values) throw unreadable("its state dict holds absurdly many values");
  }
  void collect(pickle_place from, const std::string& name, int depth, std::vector<std::pair<std::string, pickle_place>>& found) {
    step(depth);
    if (document_.get<pickle_tensor>(from) != nullptr) {
      found.emplace_back(name, from);
      return;
    }
    const auto enter = [&](const std::string& last, pickle_place item) {
      if (name.size() + last.size() > 1000) throw unreadable("it has a tensor of an absurdly long name");
      collect(item, name.empty() ? last : name + "." + last, depth + 1, found);
    };
    const auto is_plain = [&](pickle_place item) {
      return document_.get<pickle_tensor>(item) == nullptr && document_.get<pickle_dict>(item) == nullptr &&
             document_.get<pickle_sequence>(item) == nullptr;
    };
    if (const auto* dict = document_.get<pickle_dict>(from)) {
      for (const auto& [its, item] : dict->items) {
        if (!is_plain(item)) enter(key(its), item);
      }
    } else if (const auto* sequence = document_.get<pickle_sequence>(from)) {
      for (std::size_t i = 0; i < sequence->items.size(); ++i) {
        if (!is_plain(sequence->items[i])) enter(std::to_string(i), sequence->items[i]);
      }
    }
  }

  const pickle_document& document_;
  std::uint64_t steps_ = 0;
};

/// Finds the state dict in what torch.save was given: the entry `part` where it is named, else a wrapper's, else all.
inline chosen_state_dict choose_state_dict(const pickle_document& document, std::string_view part) {
  const char* mend = "save it with torch.save(model.state_dict(), path)";
  const auto* root = document.get<pickle_dict>(document.root);
  if (root == nullptr) throw unreadable("it holds no state dict but something else", mend);
  state_dict_walk walk(document);
  std::vector<std::pair<std::string, pickle_place>> dicts;  // of tensors
  for (const auto& [key, value] : root->items) {
    if (document.get<pickle_dict>(value) != nullptr && walk.holds_tensors(value)) dicts.emplace_back(walk.key(key), value);
  }
  const auto find = [&](std::string_view name) {
    return std::find_if(dicts.begin(), dicts.end(), [&](const auto& each) { return each.first == name; });
  };
  auto taken = dicts.end();
  if (!part.empty()) {
    taken = find(part);
    if (taken == dicts.end())
      throw unreadable("it has no part '" + printable(part) + "' that holds tensors", "name another part");
  }
  for (const std::string_view name : state_dict_wrappers) {
    if (taken == dicts.end()) taken = find(name);
  }
  chosen_state_dict chosen;
  if (taken == dicts.end()) {
    chosen.tensors = walk.flatten(document.root);
  } else {
    chosen.wrapper = taken->first;
    chosen.tensors = walk.flatten(taken->second);
    for (const auto& each : dicts) {
      if (each.first != taken->first) chosen.parts.push_back(each.first);
    }
  }
  if (chosen.tensors.empty()) throw unreadable("it holds no tensors", mend);
  return chosen;
}

}  // namespace axonzoo::detail
