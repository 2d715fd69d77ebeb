#pragma once

#include <string_view>

#include <axonzoo/io/pickle/document.hpp>
#include <axonzoo/io/pickle/machine.hpp>

namespace axonzoo {

/// Reads a pickle (protocols 0 to 5) that begins at the first of `bytes`, and runs nothing of it: plain data (None, booleans,
/// numbers, text, bytes, lists, tuples, sets, dicts) and descriptions of tensors come out; anything else that it names is refused
/// by its name. The shapes, strides and offsets of tensors are held against the sizes that their storages claim; whether the file
/// has so many bytes is for who reads the storages. Throws `unreadable`. Source: the comments of Python's pickletools, and
/// torch.save's persistent ids.
[[nodiscard]] inline pickle_document read_pickle(std::string_view bytes) { return detail::pickle_machine(bytes).run(); }

}  // namespace axonzoo
