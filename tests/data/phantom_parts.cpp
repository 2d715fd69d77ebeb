#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <set>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <axonzoo/data/phantom.hpp>

using namespace axonzoo;

namespace {

/// Crossing number of a ray: the textbook test, which knows nothing of stars.
bool inside(const star_outline& outline, double x, double y) {
  bool within = false;
  const std::size_t n = outline.radii.size();
  for (std::size_t k = 0; k < n; ++k) {
    const auto a = outline.vertex(k), b = outline.vertex((k + 1) % n);
    const double ax = outline.x + a.x, ay = outline.y + a.y, bx = outline.x + b.x, by = outline.y + b.y;
    if ((ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) within = !within;
  }
  return within;
}

star_outline random_star(random_stream& random, std::size_t vertices, double radius) {
  star_outline made{random.uniform(-1, 1), random.uniform(-1, 1), {}};
  for (const double factor : wobble(vertices, 2, 6, 0.2, random)) made.radii.push_back(static_cast<float>(radius * factor));
  return made;
}

std::vector<disc> random_discs(std::size_t n, const periodic_box& box, random_stream& random) {
  std::vector<disc> discs;
  for (std::size_t i = 0; i < n; ++i)
    discs.push_back({random.uniform(0, box.width), random.uniform(0, box.height), random.uniform(0.05, 0.5), 0});
  return discs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_phantom_parts)

BOOST_AUTO_TEST_CASE(regular_polygons_have_their_area_and_centre) {
  for (const std::size_t n : {3, 4, 32, 64}) {
    const star_outline made{5, -2, std::vector<float>(n, 2)};
    const double exact = 0.5 * static_cast<double>(n) * 4 * std::sin(2 * std::numbers::pi / static_cast<double>(n));
    BOOST_TEST(std::abs(made.area() - exact) < 1e-9);
    BOOST_TEST(std::abs(made.centroid().x - 5) < 1e-9);
    BOOST_TEST(std::abs(made.centroid().y + 2) < 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(depth_is_positive_exactly_inside) {
  random_stream random(1);
  for (int round = 0; round < 20; ++round) {
    const auto star = random_star(random, round % 2 == 0 ? 32 : 64, 1.5);
    const star_edges edges(star);
    int wrong = 0, within = 0;
    for (int k = 0; k < 3000; ++k) {
      const double dx = random.uniform(-2, 2), dy = random.uniform(-2, 2);
      const float depth = edges.depth(edges.sector(static_cast<float>(dx), static_cast<float>(dy)), static_cast<float>(dx),
                                      static_cast<float>(dy));
      if (std::abs(depth) < 1e-5F) continue;
      wrong += (depth > 0) != inside(star, star.x + dx, star.y + dy);
      within += depth > 0;
    }
    BOOST_TEST(wrong == 0);
    BOOST_TEST(std::abs(within / 3000. * 16 / star.area() - 1) < 0.1);
  }
}

BOOST_AUTO_TEST_CASE(gamma_deviates_have_their_moments) {
  for (const double shape : {0.5, 1., 3., 20.}) {
    random_stream random(2);
    constexpr int n = 100000;
    double sum = 0, squares = 0;
    for (int k = 0; k < n; ++k) {
      const double x = detail::gamma_deviate(shape, random);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / n, variance = squares / n - mean * mean;
    BOOST_TEST(std::abs(mean - 1) < 5 / std::sqrt(n * shape));
    BOOST_TEST(std::abs(variance * shape - 1) < 5 * std::sqrt((2 + 6 / shape) / n));
  }
}

BOOST_AUTO_TEST_CASE(near_pairs_are_those_of_brute_force) {
  const periodic_box box{7, 5};
  random_stream random(3);
  for (const auto& [larger, smaller] : {std::pair{1.2, 1.2}, std::pair{3.4, 0.}}) {
    const auto discs = random_discs(300, box, random);
    std::set<std::pair<std::uint32_t, std::uint32_t>> found, expected;
    for (const auto& pair : near_pairs(discs, box, larger, smaller)) BOOST_TEST(found.emplace(pair.larger, pair.smaller).second);
    for (std::uint32_t i = 0; i < discs.size(); ++i)
      for (std::uint32_t j = 0; j < discs.size(); ++j) {
        if (discs[j].radius >= discs[i].radius) continue;
        const double x = periodic_box::shortest(discs[j].x - discs[i].x, box.width),
                     y = periodic_box::shortest(discs[j].y - discs[i].y, box.height);
        if (std::hypot(x, y) < larger * discs[i].radius + smaller * discs[j].radius) expected.emplace(i, j);
      }
    BOOST_TEST(expected.size() > 300u);
    BOOST_TEST((found == expected));
  }
}

BOOST_AUTO_TEST_CASE(packed_discs_hardly_overlap) {
  const periodic_box box{20, 20};
  random_stream random(4);
  std::vector<disc> discs;
  for (double area = 0; area < 0.75 * 400; area += std::numbers::pi * discs.back().radius * discs.back().radius)
    discs.push_back({0, 0, 0.4 * detail::gamma_deviate(4, random) + 0.1, 0});
  pack(discs, box, 0, random);
  double worst = 0;
  for (std::size_t i = 0; i < discs.size(); ++i) {
    BOOST_TEST((discs[i].x >= 0 && discs[i].x < 20 && discs[i].y >= 0 && discs[i].y < 20));
    for (std::size_t j = 0; j < i; ++j) {
      const double x = periodic_box::shortest(discs[j].x - discs[i].x, 20),
                   y = periodic_box::shortest(discs[j].y - discs[i].y, 20);
      worst =
          std::max(worst, (discs[i].radius + discs[j].radius - std::hypot(x, y)) / std::min(discs[i].radius, discs[j].radius));
    }
  }
  BOOST_TEST(worst < 0.05);
}

BOOST_AUTO_TEST_CASE(noise_has_unit_variance_and_is_the_same_in_any_window) {
  for (const double spacing : {1., 3.7, 20.}) {
    const lattice_noise noise(5, spacing);
    const auto whole = noise.field({-50, 30, 500, 600}), part = noise.field({100, 200, 40, 50});
    double sum = 0, squares = 0;
    for (const float level : whole) {
      sum += level;
      squares += static_cast<double>(level) * level;
    }
    const double n = static_cast<double>(whole.size()), cells = n / (spacing * spacing);
    BOOST_TEST(std::abs(sum / n) < 8 / std::sqrt(cells));
    BOOST_TEST(std::abs(squares / n - 1) <
               12 / std::sqrt(cells) + (spacing == 1 ? 0.1 : 0));  // at 1 px all pixels lie on one phase
    std::size_t other = 0;
    for (std::size_t y = 0; y < 40; ++y)
      for (std::size_t x = 0; x < 50; ++x) other += part(y, x) != whole(150 + y, 170 + x);
    BOOST_TEST(other == 0u);
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_the_slopes_of_the_field) {
  const lattice_noise noise(6, 40);
  const auto field = noise.field({0, 0, 100, 100});
  for (std::size_t y = 1; y < 99; y += 7)
    for (std::size_t x = 1; x < 99; x += 5) {
      const auto slope = noise.gradient(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5);
      BOOST_TEST(std::abs(slope.x - (field(y, x + 1) - field(y, x - 1)) / 2) < 1e-3);
      BOOST_TEST(std::abs(slope.y - (field(y + 1, x) - field(y - 1, x)) / 2) < 1e-3);
    }
}

BOOST_AUTO_TEST_CASE(shear_keeps_areas) {
  const tissue_shear shear(7, 3, 0.2);
  random_stream random(7);
  double worst = 0, stretch = 0;
  int moved = 0;
  for (int k = 0; k < 300; ++k) {
    star_outline star{random.uniform(0, 100), random.uniform(0, 100), std::vector<float>(64, 0.4F)};
    const auto after = shear.move(star);
    if (!after) continue;
    ++moved;
    worst = std::max(worst, std::abs(after->area() / star.area() - 1));
    const auto [least, most] = std::minmax_element(after->radii.begin(), after->radii.end());
    stretch += *most / *least;
  }
  BOOST_TEST(moved > 295);
  BOOST_TEST(worst < 0.08);
  BOOST_TEST((stretch / moved > 1.25 && stretch / moved < 1.8));
}

// Every vertex of every outline against every other outline near it.
BOOST_AUTO_TEST_CASE(no_two_profiles_overlap) {
  for (const auto contrast : {phantom_contrast::sem, phantom_contrast::tem}) {
    auto options = phantom_options::typical(contrast);
    options.height = options.width = 400;
    const auto tissue = grow_tissue(options, 12);
    std::vector<const star_outline*> all;
    for (const auto& fibre : tissue.fibres) all.push_back(&fibre.sheath);
    for (const auto& one : tissue.neurites) all.push_back(&one);
    for (const auto& one : tissue.glia) all.push_back(&one);
    std::size_t within = 0, near = 0;
    for (const auto* a : all)
      for (const auto* b : all) {
        if (a == b || std::hypot(a->x - b->x, a->y - b->y) > a->reach() + b->reach()) continue;
        ++near;
        for (std::size_t k = 0; k < a->radii.size(); ++k) {
          const auto v = a->vertex(k);
          within += inside(*b, a->x + v.x, a->y + v.y);
        }
      }
    BOOST_TEST(near > 200u);
    BOOST_TEST(within == 0u);
    std::size_t outside = 0;
    for (const auto& fibre : tissue.fibres)
      for (std::size_t k = 0; k < fibre.axon.radii.size(); ++k) outside += !(fibre.axon.radii[k] < fibre.sheath.radii[k]);
    BOOST_TEST(outside == 0u);
  }
}

BOOST_AUTO_TEST_CASE(windows_together_are_the_whole) {
  auto options = phantom_options::typical(phantom_contrast::sem);
  options.height = 150;
  options.width = 200;
  options.artefacts = 4;
  const auto tissue = grow_tissue(options, 13);
  const auto whole = render_phantom(tissue, {0, 0, 150, 200});
  std::size_t other = 0;
  for (const std::int64_t top : {0, 70})
    for (const std::int64_t left : {0, 111}) {
      const std::int64_t height = top == 0 ? 70 : 80, width = left == 0 ? 111 : 89;
      const auto part = render_phantom(tissue, {top, left, height, width});
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x) {
          other += part.pixels(y, x, 0) != whole.pixels(top + y, left + x, 0);
          other += part.labels(y, x) != whole.labels(top + y, left + x) || part.axons(y, x) != whole.axons(top + y, left + x) ||
                   part.fibres(y, x) != whole.fibres(top + y, left + x);
        }
    }
  BOOST_TEST(other == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
