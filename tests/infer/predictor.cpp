#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <axonzoo/infer/predictor.hpp>
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

BOOST_AUTO_TEST_SUITE_END()
