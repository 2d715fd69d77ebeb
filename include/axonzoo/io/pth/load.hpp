#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>
#include <zlib.h>

#include <axonzoo/io/pth/contents.hpp>
#include <axonzoo/io/unreadable.hpp>
#include <axonzoo/io/zip_directory.hpp>

namespace axonzoo::detail {

template <std::size_t Bytes>
void gather_row(const char* from, std::int64_t count, std::int64_t stride, char* to) {
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * Bytes, from + i * stride * Bytes, Bytes);
}

/// Copies a view of a storage in row-major order.
inline void gather(const char* storage, const pth_tensor& tensor, char* to) {
  if (tensor.count == 0) return;
  const auto bytes = static_cast<std::int64_t>(tensor.type->bytes);
  const char* from = storage + tensor.offset * tensor.type->bytes;
  if (tensor.is_contiguous()) {
    std::memcpy(to, from, tensor.count * tensor.type->bytes);
    return;
  }
  const std::size_t last = tensor.shape.size() - 1;
  const std::int64_t row = tensor.shape[last], stride = tensor.strides[last];
  std::vector<std::int64_t> index(last, 0);
  for (std::uint64_t done = 0; done < tensor.count; done += static_cast<std::uint64_t>(row), to += row * bytes) {
    std::int64_t at = 0;
    for (std::size_t i = 0; i < last; ++i) at += index[i] * tensor.strides[i];
    const char* begin = from + at * bytes;
    switch (bytes) {
      case 1:
        gather_row<1>(begin, row, stride, to);
        break;
      case 2:
        gather_row<2>(begin, row, stride, to);
        break;
      case 4:
        gather_row<4>(begin, row, stride, to);
        break;
      case 8:
        gather_row<8>(begin, row, stride, to);
        break;
      default:
        gather_row<16>(begin, row, stride, to);
    }
    for (std::size_t i = last; i-- > 0 && ++index[i] == tensor.shape[i];) index[i] = 0;
  }
}

/// Reads the numbers of all tensors, in the order of the file: `allocate(tensor)` gives the memory for each, row-major. A storage
/// that is one whole tensor is read right into it; another is in memory once more while its tensors are taken out.
template <class Allocate>
void load_pth_tensors(std::FILE* file, const pth_contents& contents, Allocate&& allocate) {
  std::vector<std::vector<std::size_t>> users(contents.storages.size());
  for (std::size_t i = 0; i < contents.tensors.size(); ++i) users[contents.tensors[i].storage].push_back(i);
  std::vector<std::size_t> order(users.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return contents.storages[a].at < contents.storages[b].at; });

  std::string buffer;
  const auto read = [&](const pth_storage& storage, char* to) {
    read_at(file, storage.at, to, storage.bytes);
    if (storage.checked && ::crc32_z(0, reinterpret_cast<const unsigned char*>(to), storage.bytes) != storage.crc)
      throw unreadable("its storage '" + printable(storage.key) + "' is damaged: its checksum is wrong");
  };
  for (const std::size_t which : order) {
    const pth_storage& storage = contents.storages[which];
    const pth_tensor& first = contents.tensors[users[which].front()];
    const bool is_whole = users[which].size() == 1 && first.is_contiguous() && first.offset == 0 &&
                          first.count * first.type->bytes == storage.bytes && storage.bytes != 0;
    if (!is_whole) {
      buffer.resize(storage.bytes);
      read(storage, buffer.data());
    }
    for (const std::size_t user : users[which]) {
      const pth_tensor& tensor = contents.tensors[user];
      auto* to = static_cast<char*>(allocate(tensor));
      is_whole ? read(storage, to) : gather(buffer.data(), tensor, to);
      if (tensor.type->name == "bool" && std::any_of(to, to + tensor.count, [](char flag) { return flag != 0 && flag != 1; }))
        throw unreadable("its tensor '" + printable(tensor.name) + "' has booleans that are neither 0 nor 1");
    }
  }
}

}  // namespace axonzoo::detail
