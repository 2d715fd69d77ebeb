#include <cmath>
#include <limits>
#include <string>

#include <ATen/ops/zeros.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/io/weights.hpp>

#include "fresh.hpp"
#include "made_pickle.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::string refusal(const std::filesystem::path& path, const std::string& part = "") {
  return sentence_of([&] { (void)read_weights(path, part); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_weights)

BOOST_AUTO_TEST_CASE(bytes_tell_the_format_and_names_do_not) {
  const fresh_folder folder;
  const tensor_file file{{{"a", at::zeros({2, 3})}, {"b", at::zeros({}, at::TensorOptions().dtype(at::kLong))}}, {}};
  write_pth(folder / "a.safetensors", file);
  write_safetensors(folder / "a.pth", file);
  put(folder / "a",
      make_legacy(
          p_whole(p_dict({{"a", p_tensor({})},
                          {"b", p_tensor({.key = "1", .storage = 1, .shape = {}, .strides = {}, .type = "LongStorage"})}})),
          {{"0", std::string(24, '\0')}, {"1", std::string(8, '\0')}}));
  BOOST_TEST(says(refusal(folder / "a"), "its storage '1' has two sizes"));  // its values have 8 bytes
  for (const char* name : {"a.safetensors", "a.pth"}) {
    const tensor_file read = read_weights(folder / name);
    BOOST_REQUIRE(read.tensors.size() == 2u);
    BOOST_TEST((shapes_of(read) == tensor_shapes{{"a", {2, 3}}, {"b", {}}}));
    BOOST_TEST((read.tensors.at("b").scalar_type() == at::kLong));
  }
  put(folder / "a", make_legacy(p_whole(p_dict({{"a", p_tensor({})}})), {{"0", std::string(24, '\0')}}));
  BOOST_TEST((shapes_of(read_weights(folder / "a")) == tensor_shapes{{"a", {2, 3}}}));
}

// its length looks like the first two bytes of a pickle
BOOST_AUTO_TEST_CASE(a_safetensors_of_640_bytes_of_header) {
  const fresh_folder folder;
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.resize(0x280, ' ');
  put(folder / "a", bytes_of(header.size(), 8) + header + "x");
  BOOST_TEST(read_weights(folder / "a").tensors.size() == 1u);
  BOOST_TEST(says(refusal(folder / "a", "model"), "has no parts"));
}

BOOST_AUTO_TEST_CASE(other_files_are_sentences) {
  const fresh_folder folder;
  const auto path = folder / "a";
  put(path, "");
  BOOST_TEST(says(refusal(path), path.string(), "the file is empty"));
  for (const char* bytes : {"P", "PK", "hello world", "{\"a\":1}        "}) {
    put(path, bytes);
    BOOST_TEST(says(refusal(path), path.string(), "neither a file of torch.save nor a .safetensors"), bytes);
  }
  put(path, bytes_of(std::uint64_t{1} << 60, 8) + "{}");
  BOOST_TEST(says(refusal(path), path.string(), "not a .safetensors file"));
  BOOST_TEST(says(refusal(folder.path), "it is a folder"));
  BOOST_TEST(says(refusal(folder / "missing"), "No such file"));
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_finite_are_named) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  tensor_file file{{{"w", at::zeros({4, 5})}, {"n", at::zeros({3}, at::TensorOptions().dtype(at::kLong))}}, {}};
  require_finite(file, "'a.pth'");
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kComplexFloat}) {
    for (const double bad : {nan, infinite, -infinite}) {
      file.tensors["w"] = at::zeros({4, 5}, at::TensorOptions().dtype(type));
      file.tensors["w"].select(0, 1).fill_(bad);
      BOOST_TEST(says(sentence_of([&] { require_finite(file, "'a.pth'"); }), "cannot use weights 'a.pth'", "tensor 'w' has",
                      "of 20 numbers that are NaN or infinite"));
    }
  }
  file.tensors["v"] = file.tensors["w"];
  BOOST_TEST(says(sentence_of([&] { require_finite(file, "'a.pth'"); }), "tensor 'v' has", "and 1 other tensors have such"));
  file.tensors = {{"w", at::zeros({2})}};
  file.tensors["w"].fill_(std::numeric_limits<float>::max());
  require_finite(file, "'a.pth'");
}

BOOST_AUTO_TEST_SUITE_END()
