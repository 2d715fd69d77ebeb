// Throws changed files at the readers of weights: fuzz_weights [MINUTES] [SEED] [FIRST TRIAL]. A file is refused with a sentence
// or read right; anything else ends the program, which then says what repeats the trial: fuzz_weights 0 SEED TRIAL. Built with
// the address sanitizer by the preset asan.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <axonzoo/io/pth/load.hpp>
#include <axonzoo/io/pth_contents.hpp>
#include <axonzoo/io/safetensors_header.hpp>

#include "../io/made_pickle.hpp"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::uint64_t seed = 0, trial = 0;

void say_trial() {
  std::fprintf(stderr, "\nfuzz_weights 0 %llu %llu repeats this\n", static_cast<unsigned long long>(seed),
               static_cast<unsigned long long>(trial));
}

const made_dict storages{{"0", std::string(24, '\1')}, {"1", ""}, {"2", std::string(8, '\2')}, {"3", std::string("\0\1\1", 3)}};

/// Pickles of each kind that the reader knows: the small corpus that everything grows from.
std::vector<std::string> pickles() {
  const std::string bare = p_dict(
      {{"a", p_tensor({})},
       {"t", p_tensor({.shape = {3, 2}, .strides = {1, 3}})},
       {"n", p_tensor({.offset = 5, .shape = {}, .strides = {}})},
       {"e", p_tensor({.key = "1", .storage = 0, .shape = {0, 4}, .strides = {4, 1}})},
       {"x", p_tensor({.offset = 2, .shape = {3}, .strides = {0}})},
       {"w", p_tensor({.key = "2", .storage = 2, .shape = {2}, .strides = {1}})},
       {"b", p_tensor({.key = "3", .storage = 3, .shape = {3}, .strides = {1}, .type = "BoolStorage"})},
       {"v", p_tensor({.storage = 6, .shape = {2}, .strides = {1}, .view = "(" + p_text("k") + p_int(3) + p_int(3) + "t"})}});
  const std::string parameter =
      p_global("torch._utils", "_rebuild_parameter") + "(" + p_tensor({}) + "\x88" + p_ordered_dict + "tR";
  const std::string wide = p_global("torch._utils", "_rebuild_tensor_v3") + "((" + p_text("storage") +
                           p_global("torch.storage", "UntypedStorage") + p_text("0") + p_text("cpu") + "K\x18tQK" +
                           std::string(1, '\0') + "(K\x03K\x02t(K\x02K\x01t\x89" + p_ordered_dict + p_global("torch", "uint16") +
                           "tR";
  const std::string modern = std::string("\x80\x04\x95") + bytes_of(200, 8) +
                             "}\x94(\x8c\x01"
                             "a\x94\x8c\x0ctorch._utils\x94\x8c\x12_rebuild_tensor_v2\x94\x93\x94((\x8c\x07storage\x94" +
                             "\x8c\x05torch\x94\x8c\x0c"
                             "FloatStorage\x94\x93\x94\x8c\x01"
                             "0\x94\x8c\x03"
                             "cpu\x94K\x06t\x94QK" +
                             std::string(1, '\0') +
                             "K\x02K\x03\x86\x94K\x03K\x01\x86\x94\x89\x8c\x0b"
                             "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94t\x94R\x94u.";
  const std::string plain = p_dict({{"i", "I5\n"},
                                    {"l", "L7L\n"},
                                    {"f", "F1.5\n"},
                                    {"g", "G" + std::string(8, '\x3f')},
                                    {"s", "S'q'\n"},
                                    {"v", "Vq\n"},
                                    {"c", "C\x01\xff"},
                                    {"set", "\x8f(K\x01\x90"},
                                    {"d",
                                     "(K\x01K\x02"
                                     "d"},
                                    {"li", "(K\x01l"},
                                    {"size", "ctorch\nSize\nK\x01\x85\x85R"},
                                    {"enc", "c_codecs\nencode\n" + p_text("\xc3\xa9") + p_text("latin1") + "\x86R"},
                                    {"a", p_tensor({})}});
  return {
      p_whole(bare),
      p_whole(p_dict({{"model_state", bare}, {"decoder_state", p_dict({{"p", parameter}, {"w", wide}})}, {"epoch", "K\x03"}})),
      modern,
      p_whole(plain),
      p_whole("}(" + p_text("a") + "cos\nsystem\n" + p_text("ls") + "\x85Ru"),
      p_whole(p_ordered_dict + "(" + p_text("p") + parameter + "u}b")};
}

std::string safetensors() {
  const std::string header =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BOOL","shape":[],"data_offsets":[24,25]}} )";
  return bytes_of(header.size(), 8) + header + std::string(25, '\1');
}

std::string changed(std::string bytes, const std::string& other, std::mt19937_64& random) {
  static const std::string codes =
      ".(0122IJKLMNFGQRSTUVXabcdeghijlopqrstu}])]"
      "\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96";
  static const std::uint64_t numbers[] = {0,
                                          1,
                                          2,
                                          3,
                                          0x7f,
                                          0x80,
                                          0xff,
                                          0x7fff,
                                          0xffff,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          std::uint64_t{1} << 60,
                                          ~std::uint64_t{0} >> 1,
                                          ~std::uint64_t{0}};
  for (std::uint64_t n = random() % 2 == 0 ? 1 : 1 + random() % 5; n > 0 && !bytes.empty(); --n) {
    const std::size_t at = random() % bytes.size(), length = 1 + random() % std::min<std::size_t>(bytes.size() - at, 40);
    switch (random() % 9) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes[at] = codes[random() % codes.size()];
        break;
      case 3:
        bytes.erase(at, length);
        break;
      case 4:
        bytes.insert(at, bytes.substr(random() % bytes.size(), length));
        break;
      case 5:
        bytes.insert(at, 1, codes[random() % codes.size()]);
        break;
      case 6:
        bytes = bytes.substr(0, at) + other.substr(random() % other.size());
        break;
      case 7:
        bytes.insert(at, other.substr(random() % other.size(), length));
        break;
      default: {
        const std::string number = bytes_of(numbers[random() % std::size(numbers)] + random() % 3 - 1, 1u << random() % 4);
        bytes.replace(at, std::min(number.size(), bytes.size() - at), number);
      }
    }
  }
  return bytes;
}

/// Whether it was read; its tensors then lie within what they view, which the sanitizer sees.
bool read(const std::string& bytes, const std::string& part) {
  const open_handle file = as_file(bytes);
  try {
    const pth_contents contents = read_pth_contents(file.get(), bytes.size(), part);
    std::vector<std::unique_ptr<char[]>> memory;
    axonzoo::detail::load_pth_tensors(file.get(), contents, [&](const pth_tensor& tensor) {
      memory.emplace_back(new char[tensor.count * tensor.type->bytes]);
      return memory.back().get();
    });
    for (const pth_storage& storage : contents.storages) {
      if (storage.at > bytes.size() || storage.bytes > bytes.size() - storage.at)
        throw std::logic_error("a storage lies outside the file");
    }
    return true;
  } catch (const unreadable& wrong) {
    if (std::string_view(wrong.what()).find('\n') != std::string_view::npos) throw std::logic_error("not one line");
    return false;
  }
}

bool read_header(const std::string& bytes) {
  const open_handle file = as_file(bytes);
  try {
    (void)axonzoo::detail::read_safetensors_header(file.get(), bytes.size());
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double minutes = argc > 1 ? std::atof(argv[1]) : 0.05;
  seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
  trial = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 0;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(say_trial);
#endif
  std::set_terminate([] {
    say_trial();
    std::abort();
  });

  const std::vector<std::string> seeds = pickles();
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (read(make_pth(seeds[i], storages), "") != (i != 4)) throw std::logic_error("the corpus is wrong");
  }
  if (!read_header(safetensors())) throw std::logic_error("the corpus is wrong");

  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto begin = now();
  std::uint64_t good = 0, tried = 0;
  double slowest = 0;
  do {
    for (int n = 0; n < (minutes > 0 ? 1000 : 1); ++n, ++trial, ++tried) {
      std::seed_seq both{seed, seed >> 32, trial, trial >> 32};
      std::mt19937_64 random(both);
      const std::string &one = seeds[random() % seeds.size()], &other = seeds[random() % seeds.size()];
      const auto start = now();
      switch (random() % 5) {
        case 0:
          good += read(make_pth(changed(one, other, random), storages), random() % 4 == 0 ? "decoder_state" : "");
          break;
        case 1:
          good += read(make_legacy(changed(one, other, random), storages, {{"3", 1}}), "");
          break;
        case 2:
          good += read(changed(make_pth(one, storages), make_pth(other, storages), random), "");
          break;
        case 3:
          good += read(changed(make_legacy(one, storages, {{"3", 1}}), other, random), "");
          break;
        default:
          good += read_header(changed(safetensors(), safetensors(), random));
      }
      slowest = std::max(slowest, std::chrono::duration<double>(now() - start).count());
    }
  } while (now() - begin < std::chrono::duration<double>(60 * minutes));
  std::printf("%llu files, %llu of them read, slowest %.3f s\n", static_cast<unsigned long long>(tried),
              static_cast<unsigned long long>(good), slowest);
  return slowest < 10 ? 0 : 1;
}
