#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/io/safetensors.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

at::Tensor random_tensor(std::mt19937_64& random, at::ScalarType type, const std::vector<std::int64_t>& shape) {
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(type));
  auto* bytes = static_cast<unsigned char*>(tensor.mutable_data_ptr());
  for (std::size_t i = 0; i < tensor.nbytes(); ++i)
    bytes[i] = static_cast<unsigned char>(type == at::kBool ? random() % 2 : random());
  return tensor;
}

/// Bit by bit: random floats hold NaN.
bool same(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         (x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0);
}

tensor_file random_file(std::mt19937_64& random) {
  tensor_file file;
  for (const auto& [name, type] : axonzoo::detail::safetensors_types) {
    std::vector<std::int64_t> shape(random() % 4);
    for (auto& side : shape) side = static_cast<std::int64_t>(random() % 5);
    file.tensors["block." + std::to_string(random() % 100) + "." + name] = random_tensor(random, type, shape);
  }
  file.metadata = {{"classes", R"(["background","axon"])"}, {"note", "g \xc3\xa9\n\"quoted\""}};
  return file;
}

std::string refusal(const std::filesystem::path& path) {
  return sentence_of([&] { (void)read_safetensors(path); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_safetensors)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_and_the_bytes_are_the_same) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (int trial = 0; trial < 20; ++trial) {
    const tensor_file file = random_file(random);
    write_safetensors(folder / "a.safetensors", file);
    const tensor_file read = read_safetensors(folder / "a.safetensors");
    BOOST_TEST((read.metadata == file.metadata));
    BOOST_TEST((read_safetensors_metadata(folder / "a.safetensors") == file.metadata));
    BOOST_REQUIRE(read.tensors.size() == file.tensors.size());
    for (const auto& [name, tensor] : file.tensors) BOOST_TEST(same(read.tensors.at(name), tensor), name);
    write_safetensors(folder / "b.safetensors", read);
    const std::string bytes = get(folder / "a.safetensors");
    BOOST_TEST((get(folder / "b.safetensors") == bytes));
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    BOOST_TEST(length % 8 == 0u);
  }
}

// Written by the Python package safetensors 0.7.
BOOST_AUTO_TEST_CASE(a_file_of_the_reference) {
  const fresh_folder folder;
  const std::string header =
      R"({"__metadata__":{"a":")"
      "\xc3\xa9"
      R"(","k":"v\""},"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1,2],)"
      R"("data_offsets":[8,16]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[16,16]},"a":{"dtype":"U8","shape":[3],)"
      R"("data_offsets":[16,19]},"s":{"dtype":"BOOL","shape":[],"data_offsets":[19,20]}})";
  BOOST_REQUIRE(header.size() == 312u);
  const std::string bytes =
      std::string("8\x01\0\0\0\0\0\0", 8) + header + std::string("\x07\0\0\0\0\0\0\0\0\0\xc0?\0\0\0\xc0\x01\x02\x03\x01", 20);
  put(folder / "a.safetensors", bytes);
  const tensor_file file = read_safetensors(folder / "a.safetensors");
  BOOST_TEST((file.metadata == std::map<std::string, std::string>{{"a", "\xc3\xa9"}, {"k", "v\""}}));
  BOOST_REQUIRE(file.tensors.size() == 5u);
  BOOST_TEST(*file.tensors.at("z").const_data_ptr<std::int64_t>() == 7);
  BOOST_TEST(file.tensors.at("b").const_data_ptr<float>()[1] == -2.f);
  BOOST_TEST((file.tensors.at("b").sizes() == at::IntArrayRef({1, 2})));
  BOOST_TEST((file.tensors.at("e").sizes() == at::IntArrayRef({0, 3})));
  BOOST_TEST(file.tensors.at("a").const_data_ptr<std::uint8_t>()[2] == 3);
  BOOST_TEST((file.tensors.at("s").dim() == 0 && *file.tensors.at("s").const_data_ptr<bool>()));
  write_safetensors(folder / "b.safetensors", file);
  BOOST_TEST((get(folder / "b.safetensors") == bytes));
}

BOOST_AUTO_TEST_CASE(strided_tensors_are_written_in_order) {
  const fresh_folder folder;
  auto random = fresh_random();
  const at::Tensor tensor = random_tensor(random, at::kFloat, {2, 3, 4, 5});
  write_safetensors(folder / "a.safetensors", {{{"last", tensor.contiguous(at::MemoryFormat::ChannelsLast)},
                                                {"part", tensor.select(1, 2)},
                                                {"t", tensor.transpose(0, 3)}},
                                               {}});
  const auto read = read_safetensors(folder / "a.safetensors").tensors;
  BOOST_TEST(same(read.at("last"), tensor));
  BOOST_TEST(same(read.at("part"), tensor.select(1, 2)));
  BOOST_TEST(same(read.at("t"), tensor.transpose(0, 3)));
  BOOST_TEST(read.at("last").is_contiguous());
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused) {
  const fresh_folder folder;
  auto random = fresh_random();
  write_safetensors(
      folder / "a.safetensors",
      {{{"a", random_tensor(random, at::kFloat, {3, 2})}, {"b", random_tensor(random, at::kByte, {5})}}, {{"k", "v"}}});
  const std::string bytes = get(folder / "a.safetensors");
  const auto path = folder / "cut.safetensors";
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    put(path, bytes.substr(0, n));
    BOOST_TEST(says(refusal(path), "cannot read tensors '" + path.string() + "'"), n);
    BOOST_TEST(sentence_of([&] { (void)read_safetensors_metadata(path); }) == refusal(path), n);
  }
  put(path, bytes + 'x');
  BOOST_TEST(says(refusal(path), path.string(), "goes on after its last tensor"));
}

BOOST_AUTO_TEST_CASE(hostile_files_are_refused) {
  const fresh_folder folder;
  const auto path = folder / "a.safetensors";
  put(path, std::string(8, '\xff') + "{}");
  BOOST_TEST(says(refusal(path), path.string(), "not a .safetensors file"));
  put(path, std::string("\x00\x00\x00\x05\0\0\0\0", 8) + "{}");
  BOOST_TEST(says(refusal(path), "cut short within its header"));
  put(path, std::string("\x02\0\0\0\0\0\0\0{}", 10));
  BOOST_TEST(read_safetensors(path).tensors.empty());
  const std::string header = R"({"f":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  put(path, std::string{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0} + header + "\x01\x02");
  BOOST_TEST(says(refusal(path), "tensor 'f'", "neither 0 nor 1"));
  put(path, "PK\x03\x04 a file of torch.save");
  BOOST_TEST(says(refusal(path), "not a .safetensors file"));
  BOOST_TEST(says(refusal(folder / "missing"), "No such file"));
  BOOST_TEST(says(refusal(folder.path), "it is a folder"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_is_a_sentence) {
  const fresh_folder folder;
  const auto path = folder / "a.safetensors";
  const auto of = [&](const tensor_file& file) { return sentence_of([&] { write_safetensors(path, file); }); };
  const auto empty = [](at::ScalarType type) { return at::empty({2}, at::TensorOptions().dtype(type)); };
  BOOST_TEST(says(of({{{"c", empty(at::kComplexFloat)}}, {}}), path.string(), "tensor 'c'", "type"));
  BOOST_TEST(says(of({{{"u", at::Tensor()}}, {}}), "tensor 'u' is undefined"));
  BOOST_TEST(says(of({{{"__metadata__", empty(at::kFloat)}}, {}}), "__metadata__"));
  BOOST_TEST(says(of({{}, {{"k", "\xff"}}}), "not UTF-8"));
  BOOST_TEST(folder.files() == 0u);

  put(path, "old");
  std::string sentence;
  {
    const small_disk full(1 << 14);
    sentence = of({{{"large", at::empty({100000}, at::TensorOptions().dtype(at::kFloat))}}, {}});
  }
  BOOST_TEST(says(sentence, path.string(), "File too large", "free some space"), sentence);
  BOOST_TEST(get(path) == "old");
}

BOOST_AUTO_TEST_SUITE_END()
