#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/pth/load.hpp>
#include <axonzoo/io/pth_contents.hpp>

#include "fresh.hpp"
#include "made_pickle.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

struct loaded {
  pth_contents contents;
  std::map<std::string, std::string> values;  // row-major bytes
};

loaded load(const std::string& bytes, const std::string& part = "") {
  const open_handle file = as_file(bytes);
  loaded out{read_pth_contents(file.get(), bytes.size(), part), {}};
  axonzoo::detail::load_pth_tensors(file.get(), out.contents, [&](const pth_tensor& tensor) {
    return out.values.emplace(tensor.name, std::string(tensor.count * tensor.type->bytes, '?')).first->second.data();
  });
  return out;
}

std::string refusal(const std::string& bytes, const std::string& part = "") {
  try {
    (void)load(bytes, part);
  } catch (const unreadable& wrong) {
    return std::string(wrong.what()) + "; " + wrong.mend();
  }
  return "";
}

std::string floats(const std::vector<float>& values) {
  std::string bytes(4 * values.size(), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

const std::string six = floats({0, 1, 2, 3, 4, 5});

}  // namespace

BOOST_AUTO_TEST_SUITE(io_pth_contents)

BOOST_AUTO_TEST_CASE(views_shared_storages_and_both_containers) {
  const std::string pickle = p_whole(p_dict({{"a", p_tensor({})},
                                             {"t", p_tensor({.shape = {3, 2}, .strides = {1, 3}})},
                                             {"c", p_tensor({.offset = 1, .shape = {2}, .strides = {3}})},
                                             {"n", p_tensor({.offset = 5, .shape = {}, .strides = {}})},
                                             {"e", p_tensor({.key = "1", .storage = 0, .shape = {0, 4}, .strides = {4, 1}})},
                                             {"x", p_tensor({.offset = 2, .shape = {3}, .strides = {0}})},
                                             {"w", p_tensor({.key = "2", .storage = 2, .shape = {2}, .strides = {1}})},
                                             {"epoch", "K\x03"}}));
  const made_dict storages{{"0", six}, {"1", ""}, {"2", floats({7, 8})}};
  for (const std::string& bytes : {make_pth(pickle, storages), make_legacy(pickle, storages)}) {
    const loaded out = load(bytes);
    BOOST_TEST(out.contents.legacy == (bytes[0] == '\x80'));
    BOOST_TEST(out.contents.wrapper == "");
    BOOST_REQUIRE(out.values.size() == 7u);
    BOOST_TEST((out.values.at("a") == six));
    BOOST_TEST((out.values.at("t") == floats({0, 3, 1, 4, 2, 5})));
    BOOST_TEST((out.values.at("c") == floats({1, 4})));
    BOOST_TEST((out.values.at("n") == floats({5})));
    BOOST_TEST((out.values.at("e") == ""));
    BOOST_TEST((out.values.at("x") == floats({2, 2, 2})));
    BOOST_TEST((out.values.at("w") == floats({7, 8})));
  }
}

BOOST_AUTO_TEST_CASE(wrappers_are_found_and_said) {
  const made_dict storages{{"0", six}};
  const std::string state = p_dict({{"a", p_tensor({})}}), other = p_dict({{"b", p_tensor({})}});
  for (const char* wrapper : {"model", "model_state", "state_dict", "model_state_dict"}) {
    const loaded out = load(make_pth(p_whole(p_dict({{"epoch", "K\x01"}, {"optimizer", other}, {wrapper, state}})), storages));
    BOOST_TEST(out.contents.wrapper == wrapper);
    BOOST_TEST(out.values.contains("a"));
    BOOST_REQUIRE(out.contents.parts.size() == 1u);
    BOOST_TEST(out.contents.parts[0] == "optimizer");
  }
  const std::string micro = make_pth(p_whole(p_dict({{"model_state", state}, {"decoder_state", other}})), storages);
  BOOST_TEST(load(micro, "decoder_state").values.contains("b"));
  BOOST_TEST(says(refusal(micro, "decoder"), "no part 'decoder'"));
  const loaded nested =
      load(make_pth(p_whole(p_dict({{"encoder", state}, {"decoder", other}, {"list", "](" + p_tensor({}) + "e"}})), storages));
  BOOST_TEST((nested.values.contains("encoder.a") && nested.values.contains("decoder.b") && nested.values.contains("list.0")));
}

BOOST_AUTO_TEST_CASE(cut_files_are_refused) {
  const std::string pickle = p_whole(p_dict({{"a", p_tensor({})}, {"b", p_tensor({.key = "1"})}}));
  const made_dict storages{{"0", six}, {"1", six}};
  for (const std::string& bytes : {make_pth(pickle, storages), make_legacy(pickle, storages)}) {
    BOOST_TEST(refusal(bytes) == "");
    for (std::size_t n = 0; n < bytes.size(); ++n) BOOST_TEST(refusal(bytes.substr(0, n)) != "", n);
    BOOST_TEST(refusal(bytes + "x") != "");
  }
}

BOOST_AUTO_TEST_CASE(hostile_files_are_sentences) {
  const auto pth = [](const std::string& value, const made_dict& storages = {{"0", six}}) {
    return make_pth(p_whole(value), storages);
  };
  const std::string good = p_dict({{"a", p_tensor({})}});
  BOOST_TEST(refusal(pth(good)) == "");
  BOOST_TEST(says(refusal(pth(p_dict({{"a", "cos\nsystem\nX\x02" + std::string(3, '\0') + "ls\x85R"}}))),
                  "it calls 'os.system', which is not a tensor", "torch.save(model.state_dict(), path)"));
  BOOST_TEST(says(refusal(pth(good, {{"0", six + "x"}})), "has 25 bytes instead of 24"));
  BOOST_TEST(says(refusal(pth(good, {{"1", six}})), "lacks the storage '0'"));
  BOOST_TEST(
      says(refusal(pth(p_dict({{"a", p_tensor({.storage = std::uint64_t{1} << 59})}}))), "instead of 2305843009213693952"));
  BOOST_TEST(says(refusal(pth(p_dict({{"a", p_tensor({})}, {"b", p_tensor({.storage = 7})}}))), "with two sizes"));
  BOOST_TEST(says(refusal(pth(p_dict({{"a", p_tensor({.shape = {1 << 20, 1 << 20}, .strides = {0, 0}})}}))),
                  "more memory than the file"));
  BOOST_TEST(says(refusal(pth(p_dict({{"a", p_tensor({})}, {"a", p_tensor({})}}))), "names 'a' twice"));
  BOOST_TEST(says(refusal(pth(p_dict({{"a.b", p_tensor({})}, {"a", p_dict({{"b", p_tensor({})}})}}))), "names 'a.b' twice"));
  BOOST_TEST(says(refusal(pth("K\x01")), "holds no state dict"));
  BOOST_TEST(says(refusal(pth(p_tensor({}))), "holds no state dict"));
  BOOST_TEST(says(refusal(pth("}")), "holds no tensors"));
  BOOST_TEST(
      says(refusal(pth(p_dict({{"a", p_tensor({.key = "0", .storage = 2, .shape = {2}, .strides = {1}, .type = "BoolStorage"})}}),
                       {{"0", "\x01\x02"}})),
           "neither 0 nor 1"));
  BOOST_TEST(says(refusal(make_zip({{"a/b.txt", "hello"}})), "not of torch.save"));
  BOOST_TEST(says(refusal(make_zip({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}})), "two files data.pkl"));
  BOOST_TEST(says(refusal(make_zip({{"a/data.pkl", "N."}, {"a/byteorder", "big"}})), "other byte order"));
  BOOST_TEST(says(refusal(make_zip({{"a/data.pkl", "N."}, {"a/constants.pkl", "N."}})), "TorchScript"));
  BOOST_TEST(says(refusal("K\x01."), "not a file of torch.save"));
  BOOST_TEST(says(refusal("\x80\x02K\x01."), "not of torch.save"));
  BOOST_TEST(says(refusal(make_legacy(p_whole(good), {{"0", six}, {"7", six}})), "no tensor names"));
  BOOST_TEST(says(refusal(make_legacy(p_whole(good), {})), "lacks a storage"));
  BOOST_TEST(says(refusal(make_legacy(p_whole(good), {{"0", six.substr(4)}})), "its storage '0' has two sizes"));
  BOOST_TEST(says(refusal(make_legacy(p_whole(p_dict({{"a", p_tensor({.storage = std::uint64_t{1} << 59})}})), {{"0", six}})),
                  "has two sizes"));
}

// dicts that stand for 10^30 tensors
BOOST_AUTO_TEST_CASE(laughs_are_counted) {
  std::string pickle = "}q\x01" + p_text("a") + "K\x01s0", last = "\x01";
  for (char level = 2; level < 32; ++level) {
    pickle += "}(";
    for (int i = 0; i < 10; ++i) pickle += p_text(std::to_string(i)) + "h" + last;
    last = std::string(1, level);
    pickle += "uq" + last + "0";
  }
  BOOST_TEST(says(refusal(make_pth(p_whole(pickle + "h" + last), {})), "absurdly many"));
  BOOST_TEST(says(refusal(make_pth(p_whole("}q\x01" + p_text("a") + "h\x01s"), {})), "nests too deep"));
}

BOOST_AUTO_TEST_SUITE_END()
