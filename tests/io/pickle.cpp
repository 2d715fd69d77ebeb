#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/io/pickle.hpp>

#include "fresh.hpp"
#include "made_pickle.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

namespace {

std::string refusal(const std::string& bytes) {
  try {
    (void)read_pickle(bytes);
  } catch (const unreadable& wrong) {
    return wrong.what();
  }
  return "";
}

template <class Kind>
Kind root(const std::string& bytes) {
  const pickle_document document = read_pickle(bytes);
  BOOST_TEST(document.length == bytes.size());
  const Kind* value = document.get<Kind>(document.root);
  BOOST_REQUIRE(value != nullptr);
  return *value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(io_pickle)

BOOST_AUTO_TEST_CASE(numbers_and_texts_of_all_protocols) {
  BOOST_TEST(root<std::int64_t>("I-12\n.") == -12);
  BOOST_TEST(root<bool>("I01\n."));
  BOOST_TEST(!root<bool>("I00\n."));
  BOOST_TEST(root<bool>("\x80\x02\x88."));
  BOOST_TEST(root<std::int64_t>("L123L\n.") == 123);
  BOOST_TEST(root<double>("F1.5e3\n.") == 1500);
  BOOST_TEST(root<double>(std::string("G\x3f\xf8\0\0\0\0\0\0.", 10)) == 1.5);
  BOOST_TEST(root<std::int64_t>(std::string("J\xfe\xff\xff\xff.", 6)) == -2);
  BOOST_TEST(root<std::int64_t>("K\xff.") == 255);
  BOOST_TEST(root<std::int64_t>("M\xff\xff.") == 65535);
  BOOST_TEST(root<std::int64_t>(std::string("\x8a\x00.", 3)) == 0);
  BOOST_TEST(root<std::int64_t>("\x8a\x01\xff.") == -1);
  BOOST_TEST(root<std::int64_t>(std::string("\x8a\x02\xff\x00.", 5)) == 255);
  BOOST_TEST(root<pickle_long>("\x8a\x09" + std::string(9, '\x7f') + ".").bytes == std::string(9, '\x7f'));
  BOOST_TEST(root<pickle_text>("Vabc\n.").utf8 == "abc");
  BOOST_TEST(root<pickle_text>("S'abc'\n.").utf8 == "abc");
  BOOST_TEST(root<pickle_text>("U\x03"
                               "abc.")
                 .utf8 == "abc");
  BOOST_TEST(root<pickle_text>(p_text("\xc3\xa9") + ".").utf8 == "\xc3\xa9");
  BOOST_TEST(root<pickle_text>("\x80\x04\x95" + bytes_of(6, 8) +
                               "\x8c\x03"
                               "abc.")
                 .utf8 == "abc");
  BOOST_TEST(root<pickle_text>("\x8d" + bytes_of(3, 8) + "abc.").utf8 == "abc");
  BOOST_TEST(root<pickle_bytes>("C\x02\xff\xfe.").bytes == "\xff\xfe");
  BOOST_TEST(root<pickle_bytes>("B" + bytes_of(1, 4) + "\xff.").bytes == "\xff");
  BOOST_TEST(root<pickle_bytes>("\x96" + bytes_of(1, 8) + "\xff.").bytes == "\xff");
  BOOST_TEST(root<pickle_bytes>("c_codecs\nencode\n" + p_text("\xc3\xa9z") + p_text("latin1") + "\x86R.").bytes == "\xe9z");
}

BOOST_AUTO_TEST_CASE(containers_share_and_may_hold_themselves) {
  using kind = enum pickle_sequence::kind;
  BOOST_TEST((root<pickle_sequence>("(K\x01K\x02t.").kind == kind::tuple));
  BOOST_TEST(root<pickle_sequence>("](K\x01K\x02"
                                   "e.")
                 .items.size() == 2u);
  BOOST_TEST(root<pickle_sequence>("]K\x01"
                                   "a.")
                 .items.size() == 1u);
  BOOST_TEST((root<pickle_sequence>("\x8f(K\x01\x90.").kind == kind::set));
  BOOST_TEST((root<pickle_sequence>("c__builtin__\nset\n](K\x01"
                                    "e\x85R.")
                  .kind == kind::set));
  BOOST_TEST(root<pickle_sequence>("ctorch\nSize\nK\x01K\x02\x86\x85R.").items.size() == 2u);
  BOOST_TEST(root<pickle_dict>("(K\x01K\x02"
                               "d.")
                 .items.size() == 1u);
  BOOST_TEST(root<pickle_dict>("}K\x01K\x02s.").items.size() == 1u);
  BOOST_TEST(root<pickle_dict>(p_ordered_dict + "(K\x01K\x02u}b.").items.size() == 1u);
  BOOST_TEST(root<pickle_dict>(p_global("collections", "OrderedDict").substr(0, 24) + "\n" +
                               "](](K\x01K\x02"
                               "ee\x85R.")
                 .items.size() == 1u);
  const auto twice = root<pickle_sequence>("(K\x07q\x05h\x05t.");
  BOOST_TEST(twice.items[0] == twice.items[1]);
  const pickle_document endless = read_pickle("]\x94h" + std::string(1, '\0') + "a.");
  BOOST_TEST(endless.get<pickle_sequence>(endless.root)->items.at(0) == endless.root);
}

BOOST_AUTO_TEST_CASE(a_tensor_is_described) {
  const pickle_document document =
      read_pickle(p_whole(p_tensor({.storage = 30, .offset = 2, .shape = {2, 3}, .strides = {1, 9}})));
  const auto* tensor = document.get<pickle_tensor>(document.root);
  BOOST_REQUIRE(tensor != nullptr);
  BOOST_TEST(tensor->offset == 2u);
  BOOST_TEST((tensor->shape == std::vector<std::int64_t>{2, 3}));
  BOOST_TEST((tensor->strides == std::vector<std::int64_t>{1, 9}));
  BOOST_TEST(tensor->type->name == "float32");
  BOOST_TEST(document.get<pickle_storage>(tensor->storage)->count == 30u);
  const pickle_document parameter =
      read_pickle(p_global("torch._utils", "_rebuild_parameter") + "(" + p_tensor({}) + "\x88" + p_ordered_dict + "tR.");
  BOOST_TEST(parameter.get<pickle_tensor>(parameter.root)->shape.size() == 2u);
  const pickle_document view =
      read_pickle(p_tensor({.storage = 30, .view = "(" + p_text("v") + p_int(20) + p_int(6) + "t"}) + ".");
  BOOST_TEST(view.get<pickle_tensor>(view.root)->offset == 20u);
}

BOOST_AUTO_TEST_CASE(what_is_called_is_refused_by_its_name) {
  const auto calls = [](const std::string& name) { return "it calls '" + name + "', which is not a tensor"; };
  BOOST_TEST(refusal("cos\nsystem\nS'ls'\n\x85R.") == calls("os.system"));
  BOOST_TEST(refusal("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.") == calls("os.system"));
  BOOST_TEST(refusal("(S'ls'\nios\nsystem\n.") == calls("os.system"));
  BOOST_TEST(refusal("c__builtin__\neval\n.") == calls("builtins.eval"));
  BOOST_TEST(refusal("cbuiltins\ngetattr\n.") == calls("builtins.getattr"));
  BOOST_TEST(refusal("cnumpy.core.multiarray\nscalar\n.") == calls("numpy.core.multiarray.scalar"));
  BOOST_TEST(refusal("ctorch\nFloatStorage\n)R.") == calls("torch.FloatStorage"));
  BOOST_TEST(refusal("ctorch._utils\n_rebuild_sparse_tensor\n.") == calls("torch._utils._rebuild_sparse_tensor"));
  BOOST_TEST(says(refusal("ca\x1b[2J\nb\n."), "it calls 'a?[2J.b'"));
  BOOST_TEST(says(refusal("c" + std::string(3000, 'a') + "\nb\n."), "aaa...'"));
  BOOST_TEST(says(refusal("ctorch\ndevice\n(K\x01tR."), "other arguments"));
  BOOST_TEST(says(refusal("c_codecs\nencode\n" + p_text("a") + p_text("rot13") + "\x86R."), "other arguments"));
}

BOOST_AUTO_TEST_CASE(tensors_that_cannot_be_are_refused) {
  const std::uint64_t huge = std::uint64_t{1} << 60;
  BOOST_TEST(refusal(p_tensor({}) + ".") == "");
  BOOST_TEST(refusal(p_tensor({.storage = 0, .shape = {0, 3}}) + ".") == "");
  BOOST_TEST(says(refusal(p_tensor({.storage = 5}) + "."), "beyond its storage '0'"));
  BOOST_TEST(says(refusal(p_tensor({.offset = 1}) + "."), "beyond its storage"));
  BOOST_TEST(says(refusal(p_tensor({.strides = {4, 1}}) + "."), "beyond its storage"));
  BOOST_TEST(says(refusal(p_tensor({.offset = huge}) + "."), "beyond its storage"));
  BOOST_TEST(says(refusal(p_tensor({.shape = {huge, huge}, .strides = {1, 1}}) + "."), "absurdly large shape"));
  BOOST_TEST(says(refusal(p_tensor({.shape = {2, 3}, .strides = {huge, huge}}) + "."), "beyond its storage"));
  BOOST_TEST(says(refusal(p_tensor({.shape = {huge, huge, huge}, .strides = {0, 0, 0}}) + "."), "absurdly large shape"));
  BOOST_TEST(says(refusal(p_tensor({.shape = {huge, 3, 0}, .strides = {huge, huge, huge}}) + "."), ""));
  BOOST_TEST(says(refusal(p_tensor({.shape = {~std::uint64_t{0}, 3}}) + "."), "impossible shape"));
  BOOST_TEST(says(refusal(p_tensor({.strides = {~std::uint64_t{0}, 3}}) + "."), "impossible stride"));
  BOOST_TEST(says(refusal(p_tensor({.storage = huge + 1}) + "."), "impossible storage"));
  BOOST_TEST(says(refusal(p_tensor({.shape = {6}}) + "."), "more sides than strides"));
  BOOST_TEST(
      says(refusal(p_tensor({.shape = std::vector<std::uint64_t>(65, 1), .strides = std::vector<std::uint64_t>(65, 1)}) + "."),
           "impossible shape"));
  BOOST_TEST(says(refusal(p_tensor({.type = "QInt8Storage"}) + "."), "'torch.QInt8Storage'"));
  BOOST_TEST(says(refusal(p_tensor({.view = "(" + p_text("v") + p_int(5) + p_int(6) + "t"}) + "."), "view that goes beyond"));
  BOOST_TEST(says(refusal("K\x01Q."), "outside itself"));
}

BOOST_AUTO_TEST_CASE(damaged_pickles_are_refused) {
  for (const char* bytes : {".",
                            "t.",
                            "0.",
                            "h\x01.",
                            "j\x01\x01\x01\x01.",
                            "K\x01K\x02.",
                            "(.",
                            "]a.",
                            "K\x01"
                            "a.",
                            "}K\x01s.",
                            "}(K\x01u.",
                            "R.",
                            "K\x01)R.",
                            "K\x01"
                            "K\x01R.",
                            "b.",
                            "]}b.",
                            "}]b.",
                            "(K\x01"
                            "0\x86.",
                            "]\x90.",
                            "\x85.",
                            "2."})
    BOOST_TEST(refusal(bytes) != "", bytes);
  BOOST_TEST(says(refusal("\x80\x06N."), "protocol later than 5"));
  BOOST_TEST(says(refusal("\xff."), "unknown code 0xff"));
  BOOST_TEST(says(refusal("o."), "unknown code 0x6f"));
  BOOST_TEST(says(refusal("Ix\n."), "'x' for a number"));
  BOOST_TEST(says(refusal("I" + std::string(30, '9') + "\n."), "for a number"));
  BOOST_TEST(says(refusal("X\x01" + std::string(3, '\0') + "\xff."), "not UTF-8"));
  BOOST_TEST(says(refusal("X\xff\xff\xff\xff"
                          "a."),
                  "cut short"));
  BOOST_TEST(says(refusal("\x8d" + std::string(8, '\xff') + "a."), "cut short"));
  BOOST_TEST(says(refusal("Nr\xff\xff\xff\xff."), "remembers absurdly many"));
  BOOST_TEST(says(refusal(std::string(2000, '(') + "."), "nests too deep"));
  BOOST_TEST(says(refusal(std::string(3 << 20, 'N') + "."), "absurdly many values"));
  BOOST_TEST(says(refusal(std::string(3 << 20, ')') + "."), "absurdly many values"));
  // a million copies of a text of 100 kB
  std::string copies = "c_codecs\nencode\nq\x01" + p_text(std::string(100'000, 'a')) + p_text("latin1") + "\x86q\x02(";
  for (int i = 0; i < 1'000'000; ++i) copies += "h\x01h\x02R";
  BOOST_TEST(says(refusal(copies + "t."), "absurdly many values"));
}

BOOST_AUTO_TEST_CASE(every_prefix_is_refused) {
  const std::string bytes = p_whole(p_dict({{"a", p_tensor({})}, {"b", "K\x01"}, {"c", "G" + std::string(8, '\0')}}));
  for (std::size_t n = 0; n < bytes.size(); ++n) BOOST_TEST(refusal(bytes.substr(0, n)) != "", n);
  BOOST_TEST(refusal(bytes) == "");
}

BOOST_AUTO_TEST_SUITE_END()
