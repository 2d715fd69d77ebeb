#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <axonzoo/core/image.hpp>

namespace axonzoo {

/// Where the manual masks of a micrograph lie and how to read classes from them.
struct mask_file {
  enum class kind {
    axonmyelin,  ///< one file: < 64 background, 64..191 myelin, > 191 axon
    binary,      ///< > 127 is class `label`
    index,       ///< stored values are class or instance numbers: > 0 is class `label`, or the class itself where label is 0
  };
  std::filesystem::path path;
  kind how = kind::axonmyelin;
  std::uint8_t label = 0;
};

/// One image with its manual masks, as the folder tells it; nothing is decoded yet.
struct micrograph {
  std::string name;      ///< unique in its data set: the image's stem
  std::string subject;   ///< the animal or person; what splits keep together
  std::string contrast;  ///< "SEM", "TEM", "BF", ...: what splits are stratified by
  std::filesystem::path path;
  std::vector<mask_file> masks;  ///< empty: an image without manual masks
  double pixel_size = 0;         ///< um; 0 when the folder does not say
};

/// Micrographs and what their labels mean.
struct dataset {
  std::vector<micrograph> micrographs;
  std::vector<std::string> classes;  ///< {"background", "myelin", "axon"} or {"background", "neuron"}
};

}  // namespace axonzoo
