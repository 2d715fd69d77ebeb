#pragma once

#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <axonzoo/io/pickle.hpp>
#include <axonzoo/io/pth/contents.hpp>
#include <axonzoo/io/pth/state_dict.hpp>
#include <axonzoo/io/pth/storages.hpp>

namespace axonzoo {

/// Finds the tensors in a file of torch.save, of today's .zip or of the kind before version 1.6, without reading their numbers.
/// Everything is held against the file's length: each storage lies within the file, each tensor within its storage, and all
/// tensors together do not claim much more than the file can hold. `part` names the entry to take them from ("decoder_state");
/// where it is empty, a wrapper is looked for (model_state, state_dict, model_state_dict, model), else the state dict is bare and
/// dicts within it are flattened, their names joined with dots. Throws `unreadable`.
[[nodiscard]] inline pth_contents read_pth_contents(std::FILE* file, std::uint64_t file_bytes, std::string_view part = {}) {
  char first[4] = {};
  if (file_bytes < sizeof first) throw unreadable("it is not a file of torch.save", "give a file of weights");
  detail::read_at(file, 0, first, sizeof first);
  const bool is_zip = std::string_view(first, 4) == "PK\3\4", is_pickle = first[0] == '\x80';
  if (!is_zip && !is_pickle) throw unreadable("it is not a file of torch.save", "give a file of weights");
  detail::pth_parts found = is_zip ? detail::read_zip_storages(file, file_bytes) : detail::read_legacy_storages(file, file_bytes);
  detail::chosen_state_dict chosen = detail::choose_state_dict(found.document, part);

  pth_contents contents{!is_zip, std::move(chosen.wrapper), std::move(chosen.parts), {}, {}};
  std::map<std::string_view, std::size_t> places;
  std::uint64_t claimed = 0;
  for (auto& [name, place] : chosen.tensors) {
    const auto& tensor = *found.document.get<pickle_tensor>(place);
    const auto& storage = *found.document.get<pickle_storage>(tensor.storage);
    const auto known = found.storages.find(storage.key);
    const auto [at, is_new] = places.emplace(known->first, contents.storages.size());
    if (is_new) contents.storages.push_back(known->second);
    const std::uint64_t count = *detail::count_of(tensor.shape);
    // strides of 0 would make much of nothing
    if (count > 4 * file_bytes || (claimed += count * tensor.type->bytes) > 4 * file_bytes + (1 << 20))
      throw unreadable("its tensors would take much more memory than the file has bytes", "save them as contiguous tensors");
    contents.tensors.push_back({std::move(name), tensor.type, at->second, tensor.offset, count, tensor.shape, tensor.strides});
  }
  return contents;
}

}  // namespace axonzoo
