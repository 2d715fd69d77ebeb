#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <axonzoo/core/error.hpp>
#include <axonzoo/core/heap.hpp>

namespace axonzoo {

/// Bytes of CPU tensors since `use_caching_allocator`.
struct allocator_statistics {
  std::int64_t in_use = 0;  ///< held by living tensors, rounded up to size classes
  std::int64_t peak = 0;    ///< the most that `in_use` has been
  std::int64_t cached = 0;  ///< freed by tensors and kept for the next ones
};

namespace detail {

/// LibTorch asks for and returns the same large blocks at every step. Through mmap each of them is zeroed and faulted in page
/// by page again. This allocator keeps freed blocks in lists by size class (eight per doubling: at most 12.5 % is lost) and
/// hands them out again, backs large ones with huge pages, and gives everything cached back when the cache outgrows its limit.
class caching_allocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
    void* data = take(bytes);
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  allocator_statistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

  void forget_peak() {
    const std::lock_guard lock(mutex_);
    statistics_.peak = statistics_.in_use;
  }

  void trim() {
    const std::lock_guard lock(mutex_);
    give_back_all();
  }

  /// Never destroyed: tensors with static lifetime outlive every other object.
  static caching_allocator& instance() {
    static auto* const allocator = new caching_allocator;
    return *allocator;
  }

 private:
  struct alignas(64) header {
    header* next;
    std::size_t size_class;
  };
  static constexpr std::size_t smallest = 64, classes = 8 * 44, huge_page = std::size_t{2} << 20;

  static std::size_t class_of(std::size_t bytes) {
    const std::size_t units = (std::max(bytes, smallest) + smallest - 1) / smallest;
    if (units <= 8) return units - 1;
    const int shift = std::bit_width(units - 1) - 4;
    return static_cast<std::size_t>(shift) * 8 + ((units - 1) >> shift);
  }
  static std::size_t class_bytes(std::size_t size_class) {
    if (size_class < 8) return (size_class + 1) * smallest;
    const std::size_t shift = size_class / 8 - 1;
    return ((size_class - shift * 8 + 1) << shift) * smallest;
  }

  caching_allocator() {
    const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    limit_ = static_cast<std::int64_t>(memory / 4);
  }

  void* take(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 4) refuse(bytes);
    const std::size_t wanted = class_of(bytes);
    if (wanted >= classes) refuse(bytes);
    const std::lock_guard lock(mutex_);
    header* block = nullptr;
    for (std::size_t c = wanted; c < std::min(wanted + 3, classes) && block == nullptr; ++c) {
      if ((block = free_[c]) == nullptr) continue;
      free_[c] = block->next;
      statistics_.cached -= static_cast<std::int64_t>(class_bytes(c));
    }
    if (block == nullptr) {
      const std::size_t total = class_bytes(wanted) + sizeof(header);
      block = static_cast<header*>(reserve(total));
      if (block == nullptr) {
        give_back_all();
        block = static_cast<header*>(reserve(total));
      }
      if (block == nullptr) refuse(bytes);
      block->size_class = wanted;
    }
    statistics_.in_use += static_cast<std::int64_t>(class_bytes(block->size_class));
    statistics_.peak = std::max(statistics_.peak, statistics_.in_use);
    return block + 1;
  }

  static void release(void* data) {
    if (data == nullptr) return;
    auto& self = instance();
    auto* block = static_cast<header*>(data) - 1;
    const auto bytes = static_cast<std::int64_t>(class_bytes(block->size_class));
    const std::lock_guard lock(self.mutex_);
    self.statistics_.in_use -= bytes;
    if (self.statistics_.cached + bytes > self.limit_) self.give_back_all();
    block->next = self.free_[block->size_class];
    self.free_[block->size_class] = block;
    self.statistics_.cached += bytes;
  }

  static void* reserve(std::size_t total) {
    const bool large = total >= huge_page;
    void* data = nullptr;
    if (posix_memalign(&data, large ? huge_page : alignof(header), total) != 0) return nullptr;
    if (large) madvise(data, total / huge_page * huge_page, MADV_HUGEPAGE);
    return data;
  }

  void give_back_all() {
    for (auto& list : free_) {
      while (list != nullptr) {
        header* const block = list;
        list = block->next;
        std::free(block);
      }
    }
    statistics_.cached = 0;
    malloc_trim(0);
  }

  [[noreturn]] static void refuse(std::size_t bytes) {
    throw error("allocating a tensor of " + std::to_string(bytes) + " bytes", "the memory of this machine is used up",
                "use a smaller batch, patch or tile");
  }

  std::mutex mutex_;
  std::array<header*, classes> free_{};
  allocator_statistics statistics_;
  std::int64_t limit_ = 0;
};

}  // namespace detail

/// Makes CPU memory fast for training: called first in every program; further calls do nothing. Tensors come from the caching
/// allocator above; what libraries beside it malloc (oneDNN's scratchpads, Gloo's buffers) stays in the heap between steps
/// instead of going back to the system. The cache holds at most a quarter of the machine's memory.
inline void use_caching_allocator() {
  static const bool installed = [] {
    keep_freed_memory();
    c10::SetCPUAllocator(&detail::caching_allocator::instance(), 1);
    return true;
  }();
  static_cast<void>(installed);
}

/// What tensors hold and have held; zeros until `use_caching_allocator`.
inline allocator_statistics tensor_memory() { return detail::caching_allocator::instance().statistics(); }

/// Begins a new measurement of `allocator_statistics::peak`.
inline void forget_peak_tensor_memory() { detail::caching_allocator::instance().forget_peak(); }

/// Gives cached blocks back to the system, as before starting another program.
inline void release_cached_tensor_memory() { detail::caching_allocator::instance().trim(); }

}  // namespace axonzoo
