#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include <ATen/Context.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>

#include <axonzoo/infer/automatic_masks.hpp>
#include <axonzoo/models/sam/fresh.hpp>

using namespace axonzoo;

namespace {

image noise(std::size_t height, std::size_t width) {
  auto made = image::from_shape({height, width, 1});
  for (std::size_t i = 0; i < made.size(); ++i) made.data()[i] = static_cast<float>(i * 2654435761u % 251);
  return made;
}

sam_predictor small() {
  recognised_sam size = sam_with_vit(24, 2, 2);
  size.windows = {3};
  size.image = 64;
  size.global_blocks = {1};
  at::manual_seed(7);
  return sam_predictor(std::make_shared<sam_network>(fresh_sam_weights(size), "'made'"));
}

sam_prompts box(float left, float top, float right, float bottom) {
  sam_prompts prompts;
  prompts.boxes = at::tensor({left, top, right, bottom}).view({1, 4});
  return prompts;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(infer_sam_predictor)

BOOST_AUTO_TEST_CASE(images_of_any_shape) {
  auto predictor = small();
  const std::size_t sizes[][2] = {{1, 1}, {700, 3}, {40, 100}};
  for (const auto& [height, width] : sizes) {
    predictor.set_image(noise(height, width));
    const auto found = predictor.predict(box(0, 0, static_cast<float>(width), static_cast<float>(height)), true);
    BOOST_TEST(c10::str(found.logits.sizes()) == "[1, 3, 16, 16]");
    const at::Tensor full = predictor.at_full_size(found.logits);
    BOOST_TEST((full.size(2) == static_cast<std::int64_t>(height) && full.size(3) == static_cast<std::int64_t>(width)));
    BOOST_TEST(full.isfinite().all().item<bool>());
  }
  BOOST_TEST(predictor.input().scaled_height == 26);  // 40 of 100 at 64
  BOOST_TEST(predictor.input().pixels[0][0][30][5].item<float>() == 0.f);
}

BOOST_AUTO_TEST_CASE(wrong_prompts_are_sentences) {
  auto predictor = small();
  const auto refusal = [&](const sam_prompts& prompts) {
    try {
      (void)predictor.predict(prompts, false);
    } catch (const error& wrong) {
      return std::string(wrong.what());
    }
    return std::string();
  };
  const auto says = [&](const sam_prompts& prompts, const char* part) { return refusal(prompts).find(part) != std::string::npos; };
  BOOST_TEST(says(box(0, 0, 5, 5), "no image was given"));
  predictor.set_image(noise(40, 100));
  BOOST_TEST(refusal(box(90, 30, 120, 60)).empty());  // partly outside
  BOOST_TEST(says(box(9, 9, 4, 20), "empty or reversed"));
  BOOST_TEST(says(box(9, 9, 9, 20), "empty or reversed"));
  BOOST_TEST(says(box(100, 0, 120, 20), "outside the image"));
  BOOST_TEST(says(box(0, 0, std::nanf(""), 20), "NaN"));
  BOOST_TEST(says({}, "none is given"));
  sam_prompts points;
  points.points = at::ones({1, 2, 2});
  BOOST_TEST(says(points, "not both given"));
  points.labels = at::full({1, 2}, 3);
  BOOST_TEST(says(points, "label"));
}

BOOST_AUTO_TEST_CASE(batches_are_the_whole) {
  auto predictor = small();
  predictor.set_image(noise(30, 20));
  sam_prompts prompts;
  prompts.points = at::rand({5, 1, 2}) * 20;
  prompts.labels = at::ones({5, 1});
  const auto all = predictor.predict(prompts, false);
  std::int64_t seen = 0;
  predictor.predict_in_batches(prompts, false, 1, [&](std::int64_t begin, const sam_masks& masks) {
    BOOST_TEST((begin == seen && masks.scores.size(0) == 1));
    BOOST_TEST(((masks.logits - all.logits.slice(0, begin, begin + 1)).abs().max() < 1e-4).item<bool>());
    ++seen;
  });
  BOOST_TEST(seen == 5);
}

BOOST_AUTO_TEST_CASE(crops_cover_the_image_and_overlap) {
  const auto crops = axonzoo::detail::mask_crops(100, 150, 2, 512.0 / 1500);
  BOOST_TEST(crops.size() == 1u + 4u + 16u);
  BOOST_TEST((crops[1].first == axonzoo::detail::crop_box{0, 0, 92, 67} && crops[4].first == axonzoo::detail::crop_box{58, 33, 150, 100}));
  for (const auto& [crop, layer] : crops) BOOST_TEST((crop[0] < crop[2] && crop[1] < crop[3] && crop[2] <= 150 && crop[3] <= 100));
}

BOOST_AUTO_TEST_CASE(automatic_masks_hold_their_point_or_not_but_fit) {
  auto predictor = small();
  automatic_mask_options options;
  options.points_per_side = 3;
  options.least_score = 0;
  options.least_stability = 0.2;
  options.stability_offset = 0.05;
  options.box_overlap = options.crop_box_overlap = 0.95;
  options.crop_layers = 1;
  options.least_region = 4;
  const auto pixels = noise(50, 60);
  const auto masks = automatic_masks(predictor, pixels, options);
  for (const auto& each : masks) {
    const auto mask = decode_runs(each.mask);
    BOOST_TEST((axonzoo::detail::box_of(mask.data(), 50, 60) == each.box));
    BOOST_TEST(each.mask.area() > 0);
    BOOST_TEST(each.stability >= 0.2f);
  }
  const auto labels = label_image_of(masks, 50, 60);
  for (std::size_t i = 0; i < masks.size(); ++i)
    for (const auto label : labels) BOOST_TEST((label >= 0 && label <= static_cast<std::int32_t>(masks.size())));
  options.points_per_side = 0;
  BOOST_CHECK_THROW((void)automatic_masks(predictor, pixels, options), error);
}

BOOST_AUTO_TEST_SUITE_END()
