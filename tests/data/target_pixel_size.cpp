#include <boost/test/unit_test.hpp>

#include <string>

#include <axonzoo/data/target_pixel_size.hpp>

using axonzoo::target_pixel_size;

BOOST_AUTO_TEST_SUITE(data_target_pixel_size)

BOOST_AUTO_TEST_CASE(one_for_all_or_one_by_contrast) {
  BOOST_TEST(target_pixel_size::parse("0.13").of("SEM") == 0.13);
  BOOST_TEST(target_pixel_size::parse("0").none());
  const auto both = target_pixel_size::parse("SEM=0.13,TEM=0.01");
  BOOST_TEST(both.of("SEM") == 0.13);
  BOOST_TEST(both.of("TEM") == 0.01);
  BOOST_TEST(!both.none());
  BOOST_TEST(target_pixel_size({{"SEM", 0.2}}).of("BF") == 0.2);  // nothing to choose from
}

BOOST_AUTO_TEST_CASE(json_is_a_number_or_an_object) {
  for (const std::string text : {"0.13", "SEM=0.13,TEM=0.01"}) {
    const nlohmann::json json = target_pixel_size::parse(text);
    const auto back = json.get<target_pixel_size>();
    BOOST_TEST(nlohmann::json(back) == json);
    BOOST_TEST(json.is_object() == (text != "0.13"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_pixel_size_is_refused) {
  for (const std::string text : {"", "x", "0.1x", "-1", "nan", "SEM=", "=0.1", "SEM=0,TEM=0.1", "0.1,SEM=0.2", "SEM=0.1,SEM=0.2", "0.1,", "1e9"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_CHECK_THROW(static_cast<void>(target_pixel_size::parse(text)), axonzoo::error); }
  }
  BOOST_CHECK_EXCEPTION(static_cast<void>(target_pixel_size::parse("SEM=0.13,TEM=0.01").of("BF")), axonzoo::error,
                        [](const auto& said) { return std::string(said.what()).find("SEM, TEM") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
