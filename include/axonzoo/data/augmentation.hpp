#pragma once

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

#include <axonzoo/core/error.hpp>

namespace axonzoo {

/// What a training patch may undergo: of each change its probability and the range that its strength is drawn from, uniformly.
/// Lengths are in pixels of the prepared image, grey levels in its standard deviations. The defaults suit axons and myelin in
/// SEM and TEM; for one model of both, set `inversion` to 0.5.
struct augmentation {
  struct range {
    double low = 0, high = 0;
  };

  bool turns = true;  ///< one of the eight flips and quarter turns, each equally often

  double rotation = 0.3;
  range rotation_degrees{-45, 45};
  double scale = 0.4;
  range scale_factor{0.8, 1.25};  ///< above 1 enlarges; drawn evenly in its logarithm
  double elastic = 0.2;
  range elastic_pixels{1, 4};   ///< standard deviation of the displacements at the nodes of a grid
  double elastic_spacing = 32;  ///< between nodes

  double blur = 0.15;
  range blur_sigma{0.4, 1.1};
  double contrast = 0.8;
  range gain{0.75, 1.3};
  range offset{-0.4, 0.4};
  double gamma = 0.3;
  range gamma_exponent{0.6, 1.6};  ///< on the patch's own range
  double noise = 0.3;
  range noise_sigma{0, 0.25};
  double inversion = 0;  ///< dark becomes bright: SEM to TEM

  /// Names of the changes, each with its probability.
  static constexpr std::pair<const char*, double augmentation::*> changes[] = {
      {"rotation", &augmentation::rotation}, {"scale", &augmentation::scale}, {"elastic", &augmentation::elastic}, {"blur", &augmentation::blur},
      {"contrast", &augmentation::contrast}, {"gamma", &augmentation::gamma}, {"noise", &augmentation::noise},     {"inversion", &augmentation::inversion}};

  /// Plain crops: copies of the prepared pixels.
  static augmentation off() {
    augmentation none;
    none.turns = false;
    none.rotation = none.scale = none.elastic = none.blur = none.contrast = none.gamma = none.noise = none.inversion = 0;
    return none;
  }

  /// The defaults with other probabilities, "rotation=0,blur=0.3", or "off". Throws `error` for an unknown change and for what is no probability.
  static augmentation parse(const std::string& text) {
    if (text == "off") return off();
    augmentation made;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
      const auto equals = part.find('=');
      const auto change = std::find_if(std::begin(changes), std::end(changes), [&](const auto& known) { return known.first == part.substr(0, equals); });
      const std::string number = equals == std::string::npos ? "" : part.substr(equals + 1);
      char* rest = nullptr;
      const double probability = std::strtod(number.c_str(), &rest);
      if (change == std::end(changes) || number.empty() || *rest != '\0') {
        std::string names;
        for (const auto& [name, value] : changes) names += (names.empty() ? "" : ", ") + std::string(name);
        throw error("cannot augment by '" + part + "'", "it is not a change with its probability", "give 'off', or as rotation=0,blur=0.3 any of " + names);
      }
      made.*change->second = probability;
    }
    made.check();
    return made;
  }

  /// Throws `error` for a probability outside [0, 1] or a range that makes no sense.
  void check() const {
    const auto refuse = [](const std::string& what, const std::string& mend) {
      throw error("setting up augmentation", what, mend);
    };
    for (const auto& [name, chance] : changes) {
      const double p = this->*chance;
      if (!(p >= 0 && p <= 1)) refuse(std::string("the probability of ") + name + " is " + std::to_string(p), "give one from 0 to 1");
    }
    const auto ordered = [&](const char* name, range r, double least) {
      if (!(r.low <= r.high && r.low >= least)) {
        refuse(std::string("the range of ") + name + " is " + std::to_string(r.low) + " to " + std::to_string(r.high),
               "give the smaller bound first, none below " + std::to_string(least));
      }
    };
    ordered("rotation_degrees", rotation_degrees, -360);
    ordered("scale_factor", scale_factor, 0.1);
    ordered("elastic_pixels", elastic_pixels, 0);
    ordered("blur_sigma", blur_sigma, 0.05);
    ordered("gain", gain, 0);
    ordered("offset", offset, -1e6);
    ordered("gamma_exponent", gamma_exponent, 0.01);
    ordered("noise_sigma", noise_sigma, 0);
    if (!(elastic_spacing >= 2)) refuse("elastic_spacing is " + std::to_string(elastic_spacing), "give at least 2 pixels");
  }
};

}  // namespace axonzoo
