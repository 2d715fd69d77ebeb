#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <boost/test/unit_test.hpp>

#include <axonzoo/io/pth.hpp>

#include "fresh.hpp"
#include "made_pickle.hpp"

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

std::string refusal(const std::filesystem::path& path) {
  return sentence_of([&] { (void)read_pth(path); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_pth)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_and_the_bytes_are_the_same) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (int trial = 0; trial < 10; ++trial) {
    tensor_file file;
    for (std::size_t i = 0; i < tensor_types.size(); ++i) {
      std::vector<std::int64_t> shape(random() % 4);
      for (auto& side : shape) side = static_cast<std::int64_t>(random() % 5);
      file.tensors["block.\xc3\xa9." + std::string(tensor_types[i].name)] =
          random_tensor(random, axonzoo::detail::pth_types[i], shape);
    }
    write_pth(folder / "a.pth", file);
    const tensor_file read = read_pth(folder / "a.pth");
    BOOST_TEST((read.metadata == std::map<std::string, std::string>{{"pth.container", "zip"}}));
    BOOST_REQUIRE(read.tensors.size() == file.tensors.size());
    for (const auto& [name, tensor] : file.tensors) BOOST_TEST(same(read.tensors.at(name), tensor), name);
    write_pth(folder / "b.pth", read);
    BOOST_TEST((get(folder / "b.pth") == get(folder / "a.pth")));
  }
}

BOOST_AUTO_TEST_CASE(types_have_the_bytes_that_the_table_says) {
  for (std::size_t i = 0; i < tensor_types.size(); ++i)
    BOOST_TEST(at::empty({1}, at::TensorOptions().dtype(axonzoo::detail::pth_types[i])).element_size() == tensor_types[i].bytes,
               tensor_types[i].name);
}

BOOST_AUTO_TEST_CASE(strided_tensors_are_written_in_order) {
  const fresh_folder folder;
  auto random = fresh_random();
  const at::Tensor tensor = random_tensor(random, at::kFloat, {2, 3, 4, 5});
  write_pth(folder / "a.pth", {{{"last", tensor.contiguous(at::MemoryFormat::ChannelsLast)},
                                {"part", tensor.select(1, 2)},
                                {"t", tensor.transpose(0, 3)}},
                               {}});
  const auto read = read_pth(folder / "a.pth").tensors;
  BOOST_TEST(same(read.at("last"), tensor));
  BOOST_TEST(same(read.at("part"), tensor.select(1, 2)));
  BOOST_TEST(same(read.at("t"), tensor.transpose(0, 3)));
  BOOST_TEST(read.at("last").is_contiguous());
}

BOOST_AUTO_TEST_CASE(tensors_own_their_memory_and_the_metadata_say_where_they_stood) {
  const fresh_folder folder;
  const std::string state = p_dict({{"a", p_tensor({})}, {"b", p_tensor({})}});
  put(folder / "a.pth", make_legacy(p_whole(p_dict({{"model_state", state}, {"decoder_state", p_dict({{"d", p_tensor({})}})}})),
                                    {{"0", std::string(24, '\1')}}));
  const tensor_file file = read_pth(folder / "a.pth");
  BOOST_TEST((file.metadata == std::map<std::string, std::string>{
                                   {"pth.container", "legacy"}, {"pth.wrapper", "model_state"}, {"pth.parts", "decoder_state"}}));
  BOOST_TEST(file.tensors.at("a").const_data_ptr() != file.tensors.at("b").const_data_ptr());
  BOOST_TEST(same(file.tensors.at("a"), file.tensors.at("b")));
  BOOST_TEST(read_pth(folder / "a.pth", "decoder_state").tensors.contains("d"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_a_sentence_that_names_the_file) {
  const fresh_folder folder;
  auto random = fresh_random();
  write_pth(folder / "a.pth",
            {{{"a", random_tensor(random, at::kFloat, {30, 20})}, {"b", random_tensor(random, at::kByte, {5})}}, {}});
  const std::string bytes = get(folder / "a.pth");
  const auto path = folder / "cut.pth";
  for (std::size_t part = 1; part < 50; ++part) {
    put(path, bytes.substr(0, bytes.size() * part / 50));
    BOOST_TEST(says(refusal(path), "cannot read weights '" + path.string() + "'"), part);
  }
  put(path, make_pth(p_whole(p_dict({{"a", "cos\nsystem\n" + p_text("touch /tmp/run") + "\x85R"}})), {}));
  BOOST_TEST(says(refusal(path), path.string(), "it calls 'os.system', which is not a tensor; save the state dict alone"));
  put(path, "");
  BOOST_TEST(says(refusal(path), "the file is empty"));
  BOOST_TEST(says(refusal(folder / "missing"), "No such file"));
  BOOST_TEST(says(refusal(folder.path), "it is a folder"));

  const auto of = [&](const tensor_file& file) { return sentence_of([&] { write_pth(folder / "b.pth", file); }); };
  BOOST_TEST(says(of({{{"u", at::Tensor()}}, {}}), "tensor 'u' is undefined"));
  BOOST_TEST(says(of({{{"\xff", at::empty({1})}}, {}}), "not UTF-8"));
  BOOST_TEST(!std::filesystem::exists(folder / "b.pth"));
  std::string sentence;
  {
    const small_disk full(1 << 14);
    sentence = of({{{"large", at::empty({100000})}}, {}});
  }
  BOOST_TEST(says(sentence, "File too large", "free some space"), sentence);
}

BOOST_AUTO_TEST_SUITE_END()
