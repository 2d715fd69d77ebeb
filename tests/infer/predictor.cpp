#include <boost/test/unit_test.hpp>

#include <ATen/ops/allclose.h>
#include <ATen/ops/zeros.h>

#include <filesystem>
#include <algorithm>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <axonzoo/infer/predictor.hpp>
#include <axonzoo/infer/segment_rows.hpp>
#include <axonzoo/io/image_rows.hpp>
#include <axonzoo/precision/quantise.hpp>
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

BOOST_AUTO_TEST_CASE(a_network_in_eight_bits_is_near_its_original_and_comes_back_from_its_checkpoint) {
  const folder here;
  for (const std::string model : {"unet", "segnet"}) {
    axonzoo::unet shallow;  // rounding errors of many layers without training add up
    shallow.levels = 2;
    const auto net = model == "unet" ? shallow.make(1, 3) : axonzoo::maker_of(model)(1, 3);
    net->eval();
    axonzoo::calibration calibrating;
    calibrating.each_batch = [](std::int64_t count, const auto& visit) {
      for (std::int64_t i = 0; i < count; ++i) visit({made::images(2, 64), {}, 0});
    };
    axonzoo::calibration empty;
    empty.each_batch = [](std::int64_t, const auto&) {};
    refused("no image came", [&] { axonzoo::quantise(*net, empty); });
    const auto x = made::images(1, 64);
    const auto before = net->forward(x).front();
    const auto floats = axonzoo::named_tensors(*net).size();
    axonzoo::quantise(*net, calibrating);
    const auto after = net->forward(x).front();
    const double apart = (after - before).norm().item<double>() / before.norm().item<double>();
    BOOST_TEST(apart > 0);
    BOOST_TEST(apart < (model == "unet" ? 0.1 : 0.7), model << " differs by " << apart);
    auto tensors = axonzoo::named_tensors(*net);
    BOOST_TEST(tensors.size() > floats);
    BOOST_TEST((tensors.at("down1a.conv.weight").scalar_type() == at::kChar));
    auto facts = facts_of(model);
    facts.precision = "int8";
    const auto path = here.path / (model + "-int8.safetensors");
    axonzoo::write_checkpoint(path, tensors, facts);
    axonzoo::predictor loaded(path);
    BOOST_TEST(at::equal(after, loaded.net().forward(x).front()));
    tensors.at("down1a.conv.input_range") = at::zeros({2});
    axonzoo::write_checkpoint(path, tensors, facts);
    axonzoo::predictor broken(path);
    refused("8 bits", [&] { broken.net().forward(x); });
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

BOOST_AUTO_TEST_CASE(several_checkpoints_are_averaged) {
  const folder here;
  std::vector<std::filesystem::path> paths;
  auto facts = facts_of("unet");
  for (const char* name : {"a", "b", "c"}) {
    paths.push_back(here.path / name);
    axonzoo::write_checkpoint(paths.back(), axonzoo::named_tensors(*made::small_unet()), facts);
  }
  axonzoo::predictor all(paths);
  const auto tiles = made::images(2, 32);
  at::Tensor mean = at::zeros({2, 3, 32, 32});
  for (const auto& path : paths) {
    axonzoo::predictor one(path);
    mean += one.of_tiles()(tiles) / 3;
  }
  BOOST_TEST(at::allclose(all.of_tiles()(tiles), mean, 1e-5, 1e-6));
  BOOST_TEST(!at::allclose(axonzoo::predictor(paths[0]).of_tiles()(tiles), mean, 1e-2, 1e-2));
  facts.pixel_size = 0.2;
  axonzoo::write_checkpoint(paths[1], axonzoo::named_tensors(*made::small_unet()), facts);
  refused("pixel size", [&] { axonzoo::predictor{paths}; });
  facts = facts_of("unet");
  facts.classes = {"background", "axon", "myelin"};
  axonzoo::write_checkpoint(paths[1], axonzoo::named_tensors(*made::small_unet()), facts);
  refused("classes", [&] { axonzoo::predictor{paths}; });
}

BOOST_AUTO_TEST_CASE(an_image_outside_of_the_training_is_told) {
  const folder here;
  auto facts = facts_of("unet");
  const auto path = here.path / "a";
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*made::small_unet()), facts);
  BOOST_TEST(axonzoo::doubt(axonzoo::predictor(path).facts(), 77, "TEM").empty());  // an older checkpoint does not say
  for (const double size : {0.1, 0.26, 0.13}) axonzoo::widen(facts.trained_on, "SEM", size);
  axonzoo::write_checkpoint(path, axonzoo::named_tensors(*made::small_unet()), facts);
  const axonzoo::checkpoint_facts known = axonzoo::predictor(path).facts();
  BOOST_TEST(axonzoo::doubt(known, 0.1, "SEM").empty());
  BOOST_TEST(axonzoo::doubt(known, 0.3, "SEM").empty());
  BOOST_TEST(axonzoo::doubt(known, 0.2, "rat1").empty());
  BOOST_TEST(axonzoo::doubt(known, 0, "SEM").empty());
  BOOST_TEST(axonzoo::doubt(known, 0.01, "SEM") == "the network was trained on pixels of 0.1 to 0.26 um, the image's have 0.01 um");
  BOOST_TEST(!axonzoo::doubt(known, 0.4, "rat1").empty());
  BOOST_TEST(axonzoo::doubt(known, 0.1, "TEM") == "the network was trained on SEM, the image is TEM");
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
