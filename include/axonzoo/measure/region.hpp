#pragma once

#include <cstdint>

namespace axonzoo {

/// What scikit-image's `regionprops` says of one region, in pixels.
struct region {
  std::int64_t pixels = 0;
  double row = 0, column = 0;                             ///< centroid
  double major_axis = 0, minor_axis = 0;                  ///< of the ellipse with the same second moments
  double eccentricity = 0;                                ///< of that ellipse: 0 circle, 1 line
  double orientation = 0;                                 ///< rad, from the row axis to the major axis, -pi/2 to pi/2
  double perimeter = 0;                                   ///< of the line through the border pixels' centres
  double solidity = 0;                                    ///< pixels / pixels of the convex hull
  std::int32_t top = 0, left = 0, bottom = 0, right = 0;  ///< bounding box; bottom and right are exclusive
};

}  // namespace axonzoo
