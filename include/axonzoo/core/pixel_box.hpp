#pragma once

namespace axonzoo {

/// First and last column and row of a box, in px; fractions where it was scaled or jittered.
struct pixel_box {
  double left = 0, top = 0, right = 0, bottom = 0;

  friend bool operator==(const pixel_box&, const pixel_box&) = default;
};

}  // namespace axonzoo
