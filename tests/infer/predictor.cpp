#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <utility>

#include <unistd.h>

#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/segment_rows.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/pruning/magnitude.hpp>

#include "../models/made_network.hpp"

namespace {

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("axonzoo-predictor-" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
};

axonzoo::checkpoint_facts facts_of(const std::string& model) {
  axonzoo::checkpoint_facts facts;
  facts.variant = model + "/fp32/none/single";
  facts.model = model;
  facts.precision = "fp32";
  facts.classes = {"background", "myelin", "axon"};
  facts.pixel_size = 0.1;
  facts.patch = 32;
  return facts;
}

axonzoo::image ramp(std::size_t height, std::size_t width, std::size_t channels) {
  auto made = axonzoo::image::from_shape({height, width, channels});
  for (std::size_t i = 0; i < made.size(); ++i) made.data()[i] = static_cast<float>(i * 7 % 251);
  return made;
}

template <class Work>
void refused(const std::string& part, Work work) {
  const auto says = [&part](const axonzoo::error& said) { return std::string(said.what()).find(part) != std::string::npos; };
  BOOST_CHECK_EXCEPTION(work(), axonzoo::error, says);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(infer_predictor)

BOOST_AUTO_TEST_CASE(a_pruned_network_comes_back_from_its_checkpoint) {
  const folder here;
  for (const std::string model : {"unet", "segnet"}) {
    const auto net = axonzoo::maker_of(model)(1, 3);
    axonzoo::magnitude policy;
    policy.keep = 0.1;
    axonzoo::magnitude::state(policy).prune(*net, {});
    const auto path = here.path / (model + ".safetensors");
    axonzoo::write_checkpoint(path, axonzoo::named_tensors(*net), facts_of(model));
    axonzoo::predictor loaded(path);
    net->eval();
    const auto x = made::images(1, 64);
    BOOST_TEST(at::equal(net->forward(x).front(), loaded.net().forward(x).front()));
    const auto labels = loaded.segment(ramp(40, 50, 3), 0.2);
    BOOST_TEST(labels.shape(0) == 40u);
    BOOST_TEST(labels.shape(1) == 50u);
    BOOST_TEST(loaded.segment(ramp(1, 1, 1), 0.1).size() == 1u);
    refused("pixel size", [&] { static_cast<void>(loaded.segment(ramp(8, 8, 1), 0)); });
  }
}

BOOST_AUTO_TEST_CASE(a_model_of_two_contrasts_has_a_pixel_size_for_each) {
  const folder here;
  const auto net = axonzoo::maker_of("unet")(1, 3);
  auto facts = facts_of("unet");
  facts.pixel_size = axonzoo::target_pixel_size::parse("SEM=0.2,TEM=0.1");
  const auto path = here.path / "both.safetensors";
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*net), facts);
  facts.pixel_size = 0.1;
  const auto of_tem = here.path / "tem.safetensors";
  axonzoo::write_checkpoint(of_tem, axonzoo::named_tensors(*net), facts);
  axonzoo::predictor both(path), tem(of_tem);
  const auto pixels = ramp(64, 48, 1);
  BOOST_TEST((both.segment(pixels, 0.1, "TEM") == tem.segment(pixels, 0.1)));
  BOOST_TEST((both.segment(pixels, 0.2, "SEM") == tem.segment(pixels, 0.1)));
  refused("SEM, TEM", [&] { static_cast<void>(both.segment(pixels, 0.1)); });
}

BOOST_AUTO_TEST_CASE(foreign_and_broken_checkpoints_are_refused_by_name) {
  const folder here;
  const auto net = made::small_unet();
  const auto path = here.path / "a.safetensors";
  auto facts = facts_of("segnet");
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*net), facts);
  refused("a.safetensors", [&] { axonzoo::predictor{path}; });
  facts.precision = "fp8";
  facts.model = "unet";
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*net), facts);
  refused("fp8", [&] { axonzoo::predictor{path}; });
  facts.precision = "fp32";
  facts.model = "vit";
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*net), facts);
  refused("vit", [&] { axonzoo::predictor{path}; });
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*axonzoo::maker_of("unet")(1, 3)), facts_of("unet"));
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size / 2);
  refused("a.safetensors", [&] { axonzoo::predictor{path}; });
  std::ofstream(path) << "not weights";
  refused("a.safetensors", [&] { axonzoo::predictor{path}; });
  refused("missing.safetensors", [&] { axonzoo::predictor{here.path / "missing.safetensors"}; });
}

// The same network, the same tiles: what is held at once must not be seen in the labels.
BOOST_AUTO_TEST_CASE(rows_that_come_one_after_another_give_the_labels_of_the_whole) {
  const folder here;
  const auto net = made::small_unet();
  const auto model = here.path / "a.safetensors";
  auto facts = facts_of("unet");
  axonzoo::write_checkpoint(model, axonzoo::named_tensors(*net), facts);
  axonzoo::predictor with(model);
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  BOOST_TEST_CONTEXT("seed " << seed) {
    for (int round = 0; round < 12; ++round) {
      const std::size_t height = round == 0 ? 1 : 1 + random() % 190, width = 1 + random() % 150;
      axonzoo::rgb_image levels = axonzoo::rgb_image::from_shape({height, width, 3});
      for (auto& level : levels) level = static_cast<std::uint8_t>(random());
      const auto path = here.path / "a.png";
      axonzoo::write_png(path, levels);
      with.options() = {.side = 16 + static_cast<std::int64_t>(random() % 60), .overlap = static_cast<double>(random() % 7) / 10, .turns = 1 + static_cast<int>(random() % 2), .batch = 3};
      axonzoo::segment_rows_options how;
      how.pixel_size = round % 3 == 0 ? 0.1 : 0.05 + static_cast<double>(random() % 150) / 1000;
      how.spool = here.path / "rows";
      const auto whole = with.segment(axonzoo::read_image(path), how.pixel_size);
      const auto labels_of = [&](axonzoo::label_spool spool) {
        axonzoo::label_image all = axonzoo::label_image::from_shape({height, width});
        std::size_t at = 0;
        spool.read([&](const axonzoo::label_image& rows) { at = static_cast<std::size_t>(std::copy(rows.begin(), rows.end(), all.data() + at) - all.data()); });
        BOOST_TEST(at == all.size());
        return all;
      };
      axonzoo::image_rows rows(path);
      BOOST_TEST((labels_of(axonzoo::segment_rows(with, rows, "a", how)) == whole));
      // Killed in the middle of a record, it goes on from the last whole one.
      const auto bytes = std::filesystem::file_size(how.spool);
      std::filesystem::resize_file(how.spool, bytes - 1 - random() % std::min<std::uintmax_t>(bytes / 2, 2000));
      how.resume = true;
      bool began = false;
      how.at = [&](double share) { began = began || share > 0; };
      BOOST_TEST((labels_of(axonzoo::segment_rows(with, rows, "a", how)) == whole));
      BOOST_TEST(began);
      began = false;
      static_cast<void>(axonzoo::segment_rows(with, rows, "a", how));
      BOOST_TEST(!began);
    }
  }
  axonzoo::image_rows rows(here.path / "a.png");
  axonzoo::segment_rows_options little;
  little.pixel_size = 0.1;
  little.spool = here.path / "rows";
  little.memory = 1;
  refused("--memory", [&] { static_cast<void>(axonzoo::segment_rows(with, rows, "a", little)); });
}

BOOST_AUTO_TEST_SUITE_END()
