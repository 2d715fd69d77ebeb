#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <axonzoo/data/prepared.hpp>
#include <axonzoo/data/prompts.hpp>
#include <axonzoo/infer/prompted_segmenter.hpp>
#include <axonzoo/metrics/prompted.hpp>
#include <axonzoo/train/options.hpp>
#include <axonzoo/train/test_micrographs.hpp>

namespace axonzoo {

/// `test_micrographs` by boxes: asks for every axon and fibre by its box in the manual masks (an oracle), of which the classes follow (myelin is a fibre minus
/// its axon). Gives "prompted" and "prompted_by_contrast" beside, and "prompted" of each image: each mask against the structure that it was asked for.
inline nlohmann::json test_prompts(const sam_network& net, const view_encoder& encoder, prepared_cache& cache, const std::vector<std::size_t>& members,
                                   const train_options& options, const std::string& variant, c10::Device device) {
  const auto& classes = cache.data().classes;
  std::map<std::string, prompted_tally> by_contrast;
  prompted_tally pooled;
  auto made = test_micrographs(
      cache, members, options, variant, [&](const micrograph& source, const label_image& manual, const image& pixels, const auto& timed, nlohmann::json& entry) {
        const auto asked = prompted_masks_of(manual, classes);
        std::vector<found_mask> masks;
        const auto predicted = timed([&] {
          masks = segment_boxes(net, encoder, pixels, manual.shape(0), manual.shape(1), asked.objects, options.patch, device);
          return labels_of_masks(masks, asked.kinds, classes, manual.shape(0), manual.shape(1));
        });
        prompted_tally own;
        for (auto* tally : {&own, &pooled, &by_contrast[source.contrast]}) tally->add(masks, asked);
        entry["prompted"] = own.scores();
        return predicted;
      });
  nlohmann::json contrasts = nlohmann::json::object();
  for (const auto& [contrast, tally] : by_contrast) contrasts[contrast] = tally.scores();
  made["prompted"] = pooled.scores();
  made["prompted_by_contrast"] = contrasts;
  return made;
}

}  // namespace axonzoo
