#include <boost/test/unit_test.hpp>

#include "made_network.hpp"

BOOST_AUTO_TEST_SUITE(models_segnet)

BOOST_AUTO_TEST_CASE(gives_logits_of_the_inputs_size) {
  const auto net = made::small_segnet(3);
  const auto logits = net->forward(made::images(2, 32, 3));
  BOOST_REQUIRE_EQUAL(logits.size(), 1u);
  BOOST_TEST(logits[0].sizes() == at::IntArrayRef({2, 3, 32, 32}));
}

BOOST_AUTO_TEST_CASE(has_the_26_convolutions_of_vgg16_and_its_mirror) {
  const auto net = axonzoo::segnet{}.make(3, 3);
  int convolutions = 0;
  std::int64_t encoder = 0;
  for (const auto& item : net->named_parameters()) {
    if (item.value().dim() != 4) continue;
    ++convolutions;
    if (item.key().starts_with("down")) encoder += item.value().numel();
  }
  BOOST_TEST(convolutions == 26);
  BOOST_TEST(encoder == 14'710'464);  // VGG16's 13 convolutions without biases
}

BOOST_AUTO_TEST_SUITE_END()
