#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

#include <axonzoo/io/npy.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::string npy(const std::string& dictionary, const std::string& values, int version = 1) {
  const std::size_t n = dictionary.size();
  std::string head =
      std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + static_cast<char>(n & 255) + static_cast<char>(n >> 8);
  if (version > 1) head += std::string(2, '\0');
  return head + dictionary + values;
}

std::string described(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

template <class Value>
std::string refusal(const std::filesystem::path& path) {
  return sentence_of([&] { (void)read_npy<Value>(path); });
}

template <class Value>
void round_trip(const fresh_folder& folder, std::mt19937_64& random) {
  std::vector<std::size_t> shape(random() % 5);
  for (auto& side : shape) side = random() % 6;
  xt::xarray<Value> values(shape);
  for (auto& value : values)
    value = std::is_integral_v<Value> ? static_cast<Value>(random())
                                      : static_cast<Value>(std::ldexp(static_cast<double>(random()), -60));
  write_npy(folder / "a.npy", values);
  BOOST_TEST((read_npy<Value>(folder / "a.npy") == values));
  BOOST_TEST((read_npy<Value>(folder / "a.npy").shape() == values.shape()));
  const npy_header header = read_npy_header(folder / "a.npy");
  BOOST_TEST((std::equal(shape.begin(), shape.end(), header.shape.begin(), header.shape.end())));
  BOOST_TEST(header.data_at % 64 == 0u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_npy)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const fresh_folder folder;
  auto random = fresh_random();
  for (int trial = 0; trial < 10; ++trial) {
    round_trip<float>(folder, random);
    round_trip<double>(folder, random);
    round_trip<std::uint8_t>(folder, random);
    round_trip<std::uint16_t>(folder, random);
    round_trip<std::int32_t>(folder, random);
    round_trip<std::int64_t>(folder, random);
  }
  const xt::xtensor<float, 3> volume = xt::ones<float>({4, 5, 6});
  write_npy(folder / "view.npy", xt::view(volume, xt::all(), 2, xt::range(1, 4)));
  BOOST_TEST((read_npy<float>(folder / "view.npy") == xt::xarray<float>(xt::ones<float>({4, 3}))));
}

// The bytes of these tests were written by numpy.save.
BOOST_AUTO_TEST_CASE(arrays_of_numpy) {
  const fresh_folder folder;
  put(folder / "a.npy", npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }                                          "
                            "                 \n",
                            std::string("\x00\x01\x00\x04\xff\xfe\x00\x05\x01,\xff\xfa", 12)));
  BOOST_TEST((read_npy<std::int64_t>(folder / "a.npy") == xt::xarray<std::int64_t>{{1, -2, 300}, {4, 5, -6}}));
  BOOST_TEST((read_npy<float>(folder / "a.npy") == xt::xarray<float>{{1, -2, 300}, {4, 5, -6}}));
  put(folder / "a.npy", npy(described("<f2", "(4,)"), std::string("\x00\x38\x00\xc0\xff\x7b\x01\x00", 8)));
  BOOST_TEST((read_npy<double>(folder / "a.npy") == xt::xarray<double>{0.5, -2, 65504, std::ldexp(1, -24)}));
  put(folder / "a.npy", npy(described("|b1", "()"), "\x01"));
  BOOST_TEST(read_npy<std::uint8_t>(folder / "a.npy").dimension() == 0u);
  BOOST_TEST(read_npy<std::uint8_t>(folder / "a.npy")() == 1);
  put(folder / "a.npy",
      npy("{'shape': (2L,), \"descr\":'<u4','fortran_order':False}", std::string("\x01\0\0\0\xff\xff\xff\xff", 8), 2));
  BOOST_TEST((read_npy<std::int64_t>(folder / "a.npy") == xt::xarray<std::int64_t>{1, 4294967295}));
}

BOOST_AUTO_TEST_CASE(values_that_do_not_fit_are_a_sentence) {
  const fresh_folder folder;
  const auto path = folder / "a.npy";
  write_npy(path, xt::xarray<std::int64_t>{0, 256});
  BOOST_TEST(says(refusal<std::uint8_t>(path), path.string(), "does not fit into whole numbers of 8 bits"));
  BOOST_TEST(refusal<std::uint16_t>(path) == "");
  write_npy(path, xt::xarray<std::int64_t>{-1});
  BOOST_TEST(refusal<std::uint16_t>(path) != "");
  for (const double bad : {0.5, -1., 256., std::nan(""), std::numeric_limits<double>::infinity()}) {
    write_npy(path, xt::xarray<double>{1, bad});
    BOOST_TEST(refusal<std::uint8_t>(path) != "", bad);
  }
  write_npy(path, xt::xarray<double>{std::ldexp(1, 63)});
  BOOST_TEST(refusal<std::int64_t>(path) != "");
  write_npy(path, xt::xarray<double>{-std::ldexp(1, 63), 255});
  BOOST_TEST(read_npy<std::int64_t>(path)(0) == std::numeric_limits<std::int64_t>::min());
}

BOOST_AUTO_TEST_CASE(every_prefix_and_every_extra_byte_is_refused) {
  const fresh_folder folder;
  write_npy(folder / "a.npy", xt::xarray<std::uint8_t>{{1, 2, 3}, {4, 5, 6}});
  const std::string bytes = get(folder / "a.npy");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    put(folder / "cut.npy", bytes.substr(0, n));
    BOOST_TEST(says(refusal<std::uint8_t>(folder / "cut.npy"), "cannot read array '" + (folder / "cut.npy").string() + "'"), n);
  }
  put(folder / "cut.npy", bytes + 'x');
  BOOST_TEST(says(refusal<std::uint8_t>(folder / "cut.npy"), "goes on after its array"));
}

BOOST_AUTO_TEST_CASE(hostile_headers_are_refused) {
  const fresh_folder folder;
  const auto path = folder / "a.npy";
  const auto of = [&](const std::string& dictionary) {
    put(path, npy(dictionary, "12345678"));
    return refusal<double>(path);
  };
  BOOST_TEST(of(described("<f8", "(1,)")) == "");
  BOOST_TEST(says(of(described("<f8", "(4294967296, 4294967296)")), "absurdly large"));
  BOOST_TEST(says(of(described("<f8", "(2305843009213693952,)")), "absurdly large"));
  BOOST_TEST(says(of(described("<f8", "(99999999999999999999999,)")), "shape cannot be read"));
  BOOST_TEST(says(of(described("<f8", "(-1,)")), "shape cannot be read"));
  BOOST_TEST(says(of(described("<f8", "(1 1)")), "shape cannot be read"));
  BOOST_TEST(says(of(described("<f8", "(1000000000,)")), "cut short"));
  BOOST_TEST(says(of(described("|O", "(1,)")), "'|O' are not supported"));
  BOOST_TEST(says(of(described("<c8", "(1,)")), "'<c8' are not supported"));
  BOOST_TEST(says(of(described("<U2", "(1,)")), "'<U2' are not supported"));
  BOOST_TEST(says(of(described("|f8", "(1,)")), "'|f8' are not supported"));
  BOOST_TEST(says(of("{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "records"));
  BOOST_TEST(says(of("{'descr': '<f8', 'shape': (1,)}"), "lacks"));
  BOOST_TEST(says(of("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"), "unexpected key 'descr'"));
  BOOST_TEST(says(of("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"), "neither True nor False"));
  BOOST_TEST(says(of("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x"), "goes on"));
  BOOST_TEST(says(of("[]"), "not a dictionary"));
  BOOST_TEST(says(of("{"), "no readable key"));
  put(path, npy(described("<f8", "(1,)"), "12345678", 4));
  BOOST_TEST(says(refusal<double>(path), "version 4"));
  put(path, "some text that is no array");
  BOOST_TEST(says(refusal<double>(path), path.string(), "not a NumPy .npy file"));
}

BOOST_AUTO_TEST_CASE(random_headers_never_read_outside) {
  auto random = fresh_random();
  const std::string letters = "{}'\":,()[] descrfortanshpeTFul<>|=0123456789L\n";
  const std::string good = npy(described("<f8", "(1, 1)"), "12345678");
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = good;
    for (std::uint64_t n = random() % 4; n > 0; --n)
      bytes[6 + random() % (bytes.size() - 6)] = letters[random() % letters.size()];
    if (random() % 2 == 0) bytes.resize(random() % (bytes.size() + 1));
    npy_header header;
    if (parse_npy_header(bytes, bytes.size(), header).empty())
      BOOST_TEST(header.data_at + header.count * header.item == bytes.size());
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_a_sentence) {
  const fresh_folder folder;
  put(folder / "a.npy", "old");
  std::string sentence;
  {
    const small_disk full(1 << 12);
    sentence = sentence_of([&] { write_npy(folder / "a.npy", xt::xarray<double>(xt::ones<double>({1000}))); });
  }
  BOOST_TEST(says(sentence, (folder / "a.npy").string(), "File too large"), sentence);
  BOOST_TEST(get(folder / "a.npy") == "old");
}

BOOST_AUTO_TEST_SUITE_END()
