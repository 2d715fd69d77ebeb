#include <boost/test/unit_test.hpp>

#include <axonzoo/io/tensor_shapes.hpp>

#include "fresh.hpp"

using namespace axonzoo;
using namespace axonzoo::testing;

BOOST_AUTO_TEST_SUITE(io_tensor_shapes)

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_one_sentence) {
  const tensor_shapes expected{{"a", {1, 2}}, {"b", {}}, {"c", {3}}, {"d", {3}}, {"e", {3}}, {"f", {3}}};
  const auto of = [&](const tensor_shapes& given) {
    return sentence_of([&] { require_shapes(given, expected, "'x.pth'", "SAM ViT-B"); });
  };
  BOOST_TEST(of(expected) == "");
  auto given = expected;
  given["a"] = {2, 1};
  given["b"] = {1};
  given["z"] = {7};
  for (const char* name : {"c", "d", "e", "f"}) given.erase(name);
  BOOST_TEST(of(given) ==
             "cannot load weights from 'x.pth' into SAM ViT-B: tensors missing 4 (c, d, e, ...), surplus 1 (z), of another shape "
             "2 (a is 2x1 "
             "instead of 1x2, b is 1 instead of a number); give weights of this model");
}

BOOST_AUTO_TEST_SUITE_END()
