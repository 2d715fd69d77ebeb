#include <stdexcept>
#include <string>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/safetensors_header.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::string refusal(const std::string& text, std::uint64_t bytes) {
  try {
    (void)parse_safetensors_header(text, bytes);
  } catch (const std::runtime_error& wrong) {
    return wrong.what();
  }
  return "";
}

std::string tensor(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + type + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}}";
}

const std::string good =
    R"({"__metadata__":{"k":"v\""},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},)"
    R"("a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"e":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}} )";

}  // namespace

BOOST_AUTO_TEST_SUITE(io_safetensors_header)

BOOST_AUTO_TEST_CASE(entries_come_in_the_order_of_their_bytes) {
  const safetensors_header header = parse_safetensors_header(good, 32);
  BOOST_REQUIRE(header.entries.size() == 3u);
  BOOST_TEST(header.entries[0].name == "a");
  BOOST_TEST(header.entries[1].name == "e");
  BOOST_TEST(header.entries[2].name == "b");
  BOOST_TEST((header.entries[2].shape == std::vector<std::int64_t>{2, 3}));
  BOOST_TEST(header.metadata.at("k") == "v\"");
  BOOST_TEST(parse_safetensors_header("{}", 0).entries.empty());
}

BOOST_AUTO_TEST_CASE(hostile_headers_are_sentences) {
  BOOST_TEST(refusal(tensor("F32", "1,2", "0,8"), 8) == "");
  BOOST_TEST(says(refusal(tensor("F32", "1,2", "0,8"), 7), "cut short within tensor 't'"));
  BOOST_TEST(says(refusal(tensor("F32", "1,2", "0,8"), 9), "goes on after its last tensor"));
  BOOST_TEST(says(refusal(tensor("F32", "1,2", "4,12"), 12), "leaves a gap"));
  BOOST_TEST(says(refusal(tensor("F32", "1,2", "0,4"), 4), "needs 8 bytes"));
  BOOST_TEST(says(refusal(tensor("F32", "1,2", "8,0"), 8), "needs 8 bytes"));
  BOOST_TEST(says(refusal(tensor("F32", "4611686018427387904,4", "0,0"), 0), "absurdly large"));
  BOOST_TEST(says(refusal(tensor("F32", "18446744073709551615", "0,0"), 0), "absurdly large"));
  BOOST_TEST(refusal(tensor("F32", "0,4611686018427387904,4", "0,0"), 0) != "absurd");
  BOOST_TEST(says(refusal(tensor("F32", "-1", "0,8"), 8), "wrong kind"));
  BOOST_TEST(says(refusal(tensor("F32", "1.0", "0,4"), 4), "wrong kind"));
  BOOST_TEST(says(refusal(tensor("F32", "1", "0"), 4), "wrong kind"));
  BOOST_TEST(says(refusal(tensor("F32", "1", "0,4,4"), 4), "wrong kind"));
  BOOST_TEST(says(refusal(tensor("F32", "1", "0,99999999999999999999"), 4), "wrong kind"));
  BOOST_TEST(says(refusal(tensor("F4", "1", "0,4"), 4), "'F4', which is not supported"));
  BOOST_TEST(says(refusal(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}})", 1), "nothing else"));
  BOOST_TEST(says(refusal(R"({"t":{"dtype":"U8","shape":[1]}})", 1), "nothing else"));
  BOOST_TEST(says(refusal(R"({"t":1})", 1), "nothing else"));
  BOOST_TEST(says(
      refusal(R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
      "'t' twice"));
  BOOST_TEST(says(
      refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3),
      "'b' overlaps"));
  BOOST_TEST(says(refusal(R"({"__metadata__":{"k":1}})", 0), "'k' is not text"));
  BOOST_TEST(says(refusal(R"({"__metadata__":[]})", 0), "metadata is not an object"));
  BOOST_TEST(says(refusal("[]", 0), "not a .safetensors file"));
  BOOST_TEST(says(refusal("", 0), "not a .safetensors file"));
  BOOST_TEST(says(refusal("{\"a\":", 0), "not valid JSON"));
  BOOST_TEST(says(refusal("{}x", 0), "not valid JSON"));
  BOOST_TEST(says(refusal("{\"\xff\":1}", 0), "not valid JSON"));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 200000; ++i) deep += '[';
  BOOST_TEST(says(refusal(deep, 0), "nests too deep"));
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused) {
  for (std::size_t n = 0; n + 1 < good.size(); ++n) BOOST_TEST(refusal(good.substr(0, n), 32) != "", n);
}

BOOST_AUTO_TEST_CASE(random_changes_are_refused_or_cover_the_bytes) {
  auto random = fresh_random();
  const std::string letters = "{}[]\",:0123456789-.eFIUB84\\ t\xff";
  for (int trial = 0; trial < 5000; ++trial) {
    std::string text = good;
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) text[random() % text.size()] = letters[random() % letters.size()];
    try {
      std::uint64_t covered = 0;
      for (const auto& entry : parse_safetensors_header(text, 32).entries) {
        std::uint64_t bytes = safetensors_item(entry.type);
        for (const auto side : entry.shape) bytes *= static_cast<std::uint64_t>(side);
        BOOST_TEST(entry.begin == covered);
        BOOST_TEST(entry.end - entry.begin == bytes);
        covered = entry.end;
      }
      BOOST_TEST(covered == 32u);
    } catch (const std::runtime_error&) {
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
