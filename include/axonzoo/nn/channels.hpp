#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/nn/network.hpp>

namespace axonzoo {

/// One tensor keeps the entries `kept` (int64, ascending) along `axis`.
struct narrowing {
  std::string tensor;
  std::int64_t axis = 0;
  at::Tensor kept;
};

/// All parameters and buffers of a network by name; the tensors share memory with the network's.
inline std::map<std::string, at::Tensor> named_tensors(const network& net) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : net.named_parameters()) tensors.emplace(item.key(), item.value());
  for (const auto& item : net.named_buffers()) tensors.emplace(item.key(), item.value());
  return tensors;
}

/// What changes as a network trains: parameters that take gradients, and buffers of numbers.
inline std::map<std::string, at::Tensor> trained_tensors(const network& net) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : net.named_parameters()) {
    if (item.value().requires_grad()) tensors.emplace(item.key(), item.value());
  }
  for (const auto& item : net.named_buffers()) {
    if (item.value().is_floating_point()) tensors.emplace(item.key(), item.value());
  }
  return tensors;
}

/// Gives a parameter or buffer other contents of another shape; every holder of it sees the change.
inline void replace_contents(at::Tensor& tensor, at::Tensor contents) {
  if (contents.dim() == 4) contents = contents.contiguous(at::MemoryFormat::ChannelsLast);
  tensor.mutable_grad() = at::Tensor();
  tensor.set_data(contents);
}

/// Removes all channels of `group` but `kept` from the network. The group must be of the network at its widths of now.
/// Returns what was done to each tensor, for what else is shaped like the parameters (moments, averages).
inline std::vector<narrowing> keep_channels(network& net, const channel_group& group, const at::Tensor& kept) {
  auto tensors = named_tensors(net);
  std::vector<narrowing> done;
  for (const auto& axis : group.axes) {
    auto found = tensors.find(axis.tensor);
    if (found == tensors.end()) {
      throw error("cannot prune the channels of " + group.name, "the network has no tensor " + axis.tensor,
                  "name tensors in channel_groups() as named_parameters() does");
    }
    auto& tensor = found->second;
    const auto end = axis.offset + group.channels;
    if (end > tensor.size(axis.axis)) {
      throw error("cannot prune the channels of " + group.name, axis.tensor + " is too narrow for them",
                  "give the right offset in channel_groups()");
    }
    const auto index = at::cat({at::arange(axis.offset, kept.options()), kept + axis.offset,
                                at::arange(end, tensor.size(axis.axis), kept.options())});
    replace_contents(tensor, tensor.detach().index_select(axis.axis, index.to(tensor.device())));
    done.push_back({axis.tensor, axis.axis, index});
  }
  return done;
}

}  // namespace axonzoo
