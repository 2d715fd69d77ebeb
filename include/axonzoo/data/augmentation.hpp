#pragma once

#include <string>

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

  /// Plain crops: copies of the prepared pixels.
  static augmentation off() {
    augmentation none;
    none.turns = false;
    none.rotation = none.scale = none.elastic = none.blur = none.contrast = none.gamma = none.noise = none.inversion = 0;
    return none;
  }

  /// Throws `error` for a probability outside [0, 1] or a range that makes no sense.
  void check() const {
    const auto refuse = [](const std::string& what, const std::string& mend) {
      throw error("setting up augmentation", what, mend);
    };
    const auto probability = [&](const char* name, double p) {
      if (!(p >= 0 && p <= 1))
        refuse(std::string("the probability of ") + name + " is " + std::to_string(p), "give one from 0 to 1");
    };
    const auto ordered = [&](const char* name, range r, double least) {
      if (!(r.low <= r.high && r.low >= least)) {
        refuse(std::string("the range of ") + name + " is " + std::to_string(r.low) + " to " + std::to_string(r.high),
               "give the smaller bound first, none below " + std::to_string(least));
      }
    };
    probability("rotation", rotation);
    probability("scale", scale);
    probability("elastic", elastic);
    probability("blur", blur);
    probability("contrast", contrast);
    probability("gamma", gamma);
    probability("noise", noise);
    probability("inversion", inversion);
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
